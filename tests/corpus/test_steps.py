"""Each step alone, on a document: what it changes, drops and leaves."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from corpus import Document, MissingExtra, UserError
from corpus.presets import DOCUMENT_STEPS, load_steps
from corpus.steps import (
    chinesewebtext,
    fineweb2_quality,
    fineweb2_repetition,
    harm,
    language,
    length,
    markup,
    normalise,
    quality,
    repetition,
    script,
    sentences,
    signs,
)
from corpus.steps.sentences import split_sentences
from corpus.steps.words import words_of

PROSE = "我们使用语言模型来预测下一个词的概率。结果表明，这种方法在各种任务上都很有效，而且训练的时间更短。"


def doc(text: str) -> Document:
    return Document("1", text)


@pytest.mark.parametrize("sign", [*"²①½℃㎡Ⅱ…～：％，。“”—、（）𠮷々〇"])
def test_normalise_leaves_signs_that_nfkc_would_change(sign: str) -> None:
    assert normalise(doc(f"前{sign}后")).text == f"前{sign}后"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ＡｂＣ１２３＠", "AbC123@"),
        ("⼀⼆⽇", "一二日"),
        ("\uf900\ufa0e", "豈\ufa0e"),
        ("一\u3000\u3000二\t三", "一 二 三"),
        ("一\u200b\u2060二\ufeff\u202e三\x07", "一二三"),
        ("一\r\n二\r三 \n\n\n\n四", "一\n二\n三\n\n四"),
        ("か\u3099e\u0301", "がé"),
    ],
)
def test_normalise_gives_one_spelling_and_does_it_once(before: str, after: str) -> None:
    once = normalise(doc(before))
    assert once.text == after
    assert normalise(once) is once


def test_normalise_of_random_text_is_idempotent() -> None:
    rng = random.Random(0)
    for _ in range(300):
        codes = [rng.choice([rng.randrange(0x20, 0x3000), rng.randrange(0xF900, 0x10000), 10, 32]) for _ in range(30)]
        once = normalise(doc("".join(map(chr, codes))))
        assert normalise(once) is once


@pytest.mark.parametrize(
    "parts",
    [
        ["他说：“走吧！”", "于是走了。"],
        ["真的？！", "（是的。）", "“好……”"],
        ["第一；", "第二。"],
        ["没有句号的一行"],
        ["圆周率是3.14，网址是www.a.cn。"],
    ],
)
def test_sentences_keep_their_closing_signs(parts: list[str]) -> None:
    assert split_sentences("".join(parts)) == parts
    assert sentences(doc("".join(parts))).text == "\n".join(parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROSE, "zh"),
        ("漢字仮名まじりの文章です。", "ja"),
        ("한국어 문장입니다. 漢字도 있다.", "ko"),
        ("This is an English sentence about 北京.", "latin"),
        ("佢哋喺度做乜嘢？我唔知。", "yue"),
        ("Это русский текст.", "other"),
        ("12345 ……", "und"),
        (
            "《龍貓》（となりのトトロ）是宮崎駿導演的動畫電影，在日本上映後受到許多觀眾喜愛，後來也在其他國家放映。",
            "zh",
        ),
    ],
)
def test_language_is_told_per_document(text: str, expected: str) -> None:
    found = language(doc(text))
    assert isinstance(found, Document)
    assert found.meta["language"] == expected
    assert language(doc(text), keep=["zh"]) == ("other_language" if expected != "zh" else found)


def test_script_is_voted_and_converted_only_when_asked() -> None:
    traditional = doc("他看著這本書，覺得軟體開發很難。")
    assert script(traditional).meta["script"] == "Hant"
    assert script(traditional).text == traditional.text
    try:
        converted = script(traditional, convert="tw2s")
    except MissingExtra:
        pytest.skip("opencc (the extra 'corpus') is not installed")
    assert converted.text == "他看着这本书，觉得软体开发很难。"
    assert converted.meta == {"script": "Hant", "converted": "tw2s"}
    assert script(doc(PROSE), convert="tw2s").text == PROSE


@pytest.mark.parametrize(
    ("step", "text", "reason"),
    [
        (length, "短文", "too_short"),
        (markup, "<div class='a'><p>好</p><br/><a href='http://a.cn/b/c'>点</a></div>", "markup"),
        (repetition, PROSE * 6, "repeated_passages"),
        (repetition, "哈" * 40, "stuck_key"),
        (signs, "★☆★☆★☆★☆好评", "many_signs"),
        (chinesewebtext, PROSE, "short_text"),
        (fineweb2_quality, "首页\n登录\n注册\n帮助\n联系\n广告", "few_words"),
        (fineweb2_quality, "首页\n登录\n注册\n帮助\n联系\n广告\n" * 10, "few_stop_words"),
        (fineweb2_quality, PROSE * 3 + "……" * 20, "many_hashes_or_ellipses"),
        (fineweb2_quality, "的和" + "，".join("我们使用语言模型") * 9, "few_alpha_words"),
        (fineweb2_repetition, "买房就找我们公司，" * 20, "top_2_gram"),
    ],
)
def test_rubbish_is_dropped_with_its_reason(step: Any, text: str, reason: str) -> None:
    assert step(doc(text)) == reason


def test_good_prose_passes_every_rule() -> None:
    rng = random.Random(0)
    essay = doc("".join(rng.sample([f"{PROSE[:25]}第{n}次，{PROSE[25:]}" for n in range(3)], 3)) + "这是他的年度总结。")
    for step in (length, markup, signs, fineweb2_quality):
        assert step(essay) is None


def test_harm_and_quality_weigh_rule_and_model_and_say_so(tmp_path: Path) -> None:
    from corpus.config import TrainScoreConfig
    from corpus.scoring.training import train_score

    rng = random.Random(1)
    good = ["".join(rng.choices("今天天气很好我们去公园散步看花草", k=20)) + "。" for _ in range(60)]
    bad = ["".join(rng.choices("加微信领红包点击链接免费送大礼抽奖", k=20)) + "！" for _ in range(60)]
    for name, texts in (("good", good), ("bad", bad)):
        rows = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        (tmp_path / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "words.txt").write_text("红包\n免费送\n", encoding="utf-8")
    config = TrainScoreConfig(
        positive=[str(tmp_path / "bad.jsonl")], negative=[str(tmp_path / "good.jsonl")], output=str(tmp_path / "model")
    )
    result = train_score(config)
    assert result.auc > 0.95
    first = (tmp_path / "model" / "weights.npy").read_bytes()
    train_score(config)
    assert (tmp_path / "model" / "weights.npy").read_bytes() == first
    lexicon, model = str(tmp_path / "words.txt"), str(tmp_path / "model")
    fine = harm(doc("我们去公园散步，还抢了红包。\n天气很好。"), lexicon=lexicon, model=model, max_score=0.9)
    assert isinstance(fine, Document)
    parts = fine.meta["harm"]
    assert parts["rule"] == 1.0
    assert parts["words"] == 1
    assert parts["score"] == pytest.approx((parts["rule"] + parts["model"]) / 2, abs=1e-4)
    weighted = harm(doc(fine.text), lexicon=lexicon, model=model, weight_rule=0.2, weight_model=0.8, max_score=0.9)
    assert isinstance(weighted, Document)
    expected = 0.2 * parts["rule"] + 0.8 * parts["model"]
    assert weighted.meta["harm"]["score"] == pytest.approx(expected, abs=1e-4)
    assert harm(doc("加微信领红包，免费送大礼！"), lexicon=lexicon, model=model) == "harmful"
    assert quality(doc("首页\n登录\n★★\n>>"), min_score=0.6) == "low_quality"
    with pytest.raises(UserError, match="neither"):
        harm(doc(PROSE))


@pytest.mark.parametrize("preset", ["default", "web", "keep-all"])
def test_presets_load_and_name_only_known_steps(preset: str) -> None:
    names = [spec.name for spec in load_steps(preset, None)]
    assert names[0] == "normalise"
    assert "exact_dedup" in names
    assert all(name in DOCUMENT_STEPS or name.endswith(("dedup", "lines")) for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "我们使用linux.cn的article-10691-1.html，版本3.14和v2.0。",
        "[#]: url: (https://a.cn/b_c)\n=====\n --- *** ...... ```code``` U.S. 50% a+b",
        "“他说：‘走吧！’”……于是，１２３走了——真的？！",
    ],
)
def test_words_for_the_rules_are_those_of_jieba(text: str) -> None:
    import jieba

    assert words_of(text) == [word for word in jieba.cut(text) if word.strip()]
