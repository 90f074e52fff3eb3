"""Personal data glued to Chinese is found; random numbers are not; values stay out of everything we write."""

from __future__ import annotations

import datetime
import json
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus import CorpusConfig, Document, UserError, build_corpus
from corpus.steps import pii
from corpus.steps.pii import KIND_NAMES, find_pii
from corpus.steps.pii_patterns import PLATE_PROVINCES, passes_luhn

CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def id_card(rng: random.Random) -> str:
    born = datetime.date(1930, 1, 1) + datetime.timedelta(rng.randrange(32000))
    body = rng.choice(["110105", "310115", "440304", "650102"]) + born.strftime("%Y%m%d") + digits(rng, 3)
    weights = [2**place % 11 for place in range(17, 0, -1)]
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


def bank_card(rng: random.Random) -> str:
    prefix, length = rng.choice([("622202", 19), ("621700", 19), ("6225", 16), ("4563", 16), ("5187", 16)])
    body = prefix + digits(rng, length - len(prefix) - 1)
    return next(body + check for check in string.digits if passes_luhn(body + check))


def credit_code(rng: random.Random) -> str:
    body = "91" + rng.choice(["110108", "310115", "440300"]) + "".join(rng.choices(CREDIT_SIGNS, k=9))
    total = sum(CREDIT_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + CREDIT_SIGNS[-total % 31]


def plate(rng: random.Random) -> str:
    tail = rng.choice([digits(rng, 5), "D" + digits(rng, 5), "B" + digits(rng, 4), "F8" + digits(rng, 4)])
    return rng.choice(PLATE_PROVINCES) + rng.choice("ABCDEFGH") + tail


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "id_card": id_card,
    "mobile": lambda rng: "1" + rng.choice("3456789") + digits(rng, 9),
    "email": lambda rng: f"zhang{digits(rng, 4)}.{rng.choice('abc')}@{rng.choice(['qq.com', '163.com', 'pku.edu.cn'])}",
    "landline": lambda rng: rng.choice(["010-", "021", "0571-", "0755 "]) + rng.choice("25678") + digits(rng, 7),
    "bank_card": bank_card,
    "ip": lambda rng: ".".join(str(rng.randrange(1, 255)) for _ in range(4)),
    "plate": plate,
    "passport": lambda rng: rng.choice(["E1", "G2", "EA"]) + digits(rng, 7),
    "credit_code": credit_code,
    "qq": lambda rng: rng.choice(["QQ", "QQ号", "qq："]) + rng.choice("123456789") + digits(rng, rng.randrange(5, 11)),
    "wechat": lambda rng: rng.choice(["微信号", "微信：", "vx"]) + "wx" + digits(rng, 6),
}
FULL_WIDTH = {code: chr(code + 0xFEE0) for code in range(0x21, 0x7F)}


def test_every_kind_is_planted_here() -> None:
    assert set(MAKERS) == set(KIND_NAMES)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_planted_values_glued_to_chinese_are_found_in_any_width(kind: str) -> None:
    rng = random.Random(7)
    values = [MAKERS[kind](rng) for _ in range(1000)]
    missed = []
    for number, value in enumerate(values):
        text = f"联系方式是{value.translate(FULL_WIDTH) if number % 4 == 0 else value}请查收"
        if not any(found == kind for _, _, found in find_pii(text)):
            missed.append(value)
    # The issue asks for 100 % of three kinds and 99 % of the others; all are found.
    assert missed == []


def test_random_digit_strings_are_hardly_ever_id_cards() -> None:
    rng = random.Random(0)
    false = sum(kind == "id_card" for _ in range(200_000) for _, _, kind in find_pii(f"编号{digits(rng, 18)}的"))
    assert false <= 20


@pytest.mark.parametrize(
    "text",
    [
        "全长3.14159265358979米",
        "共1234567890123个",
        "std::vector和a::b",
        "12:30:45开始",
        "版本1.2.3.4发布",
        "2026年11月23日",
        "一九九八年新年讲话",
        "微信公众平台Android版",
        "第2024110500001号",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert find_pii(text) == []


def test_spelled_numbers_and_spaced_numbers_are_found() -> None:
    assert pii(Document("1", "电话一三八零零一三八零零零联系")).text == "电话[手机号]联系"
    assert pii(Document("1", "电话138 0013 8000和138-0013-8000")).text == "电话[手机号]和[手机号]"
    assert pii(Document("1", "电话+86 13800138000请")).text == "电话[手机号]请"


def test_redaction_counts_kinds_and_reaches_the_meta() -> None:
    document = pii(Document("1", "电话13800138000", meta={"author": "邮箱a1@qq.com", "tags": ["13900139000"]}))
    assert document.meta == {"author": "邮箱[邮箱]", "tags": ["[手机号]"], "pii": {"email": 1, "mobile": 2}}
    assert pii(document) == document


def test_an_id_is_replaced_too_unless_told_otherwise() -> None:
    document = Document("用户13800138000的帖子", "没有号码")
    assert pii(document) == Document("用户[手机号]的帖子", "没有号码", meta={"pii": {"mobile": 1}})
    assert pii(document, ids=False) is document


def test_no_value_reaches_any_file_log_or_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(3)
    secrets = [MAKERS[kind](rng) for kind in KIND_NAMES for _ in range(20)]
    texts = [f"这一条记录里写着{value}，请大家注意保管好。" for value in secrets]
    records = [{"id": f"r{n}", "text": text, "note": text} for n, text in enumerate(texts)]
    records += [
        {"id": f"{value}的帖子{n}", "text": f"第{n}篇：{'天地玄黄宇宙洪荒'[n % 8] * 9}"}
        for n, value in enumerate(secrets)
    ]
    records += [{"id": f"{secrets[0]}再来", "text": records[-1]["text"]}]
    records += [{"id": "long", "text": "很长的文字" * 100 + secrets[0]}, {"id": "again", "text": texts[0]}]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    report = build_corpus(
        CorpusConfig(
            input=[str(path)],
            output=str(tmp_path / "out"),
            steps=["normalise", {"length": {"max_chars": 100}}, "pii", "exact_dedup"],
        )
    )
    assert report.dropped == {"too_long": 1, "exact_duplicate": report.dropped["exact_duplicate"]}
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f'{{"text": "{texts[5]}" oops\n{{"text": ["{texts[6]}"]}}\n')
    with pytest.raises(UserError) as raised:
        build_corpus(CorpusConfig(input=[str(path)], output=str(tmp_path / "out"), max_bad_ratio=0))
    from corpus import read_documents

    written = (
        str(raised.value)
        + caplog.text
        + " ".join(f"{d.id} {d.text} {d.meta}" for d in read_documents(tmp_path / "out"))
    )
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file() and file.suffix != ".parquet":
            written += file.read_text(encoding="utf-8")
    bare = [value.lstrip("QqVvXx号微信：") for value in secrets]
    assert [value for value in bare if value in written] == []
