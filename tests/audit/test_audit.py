"""An audit tells what was planted from what was not, and says nothing where there is nothing."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.annotations.reading import read_texts
from macbert.audit.bias import read_dimensions
from macbert.audit.canaries import ALPHABET, make_canaries, other_secrets, read_canaries
from macbert.audit.config import AuditConfig, PlantConfig
from macbert.audit.exposure import Probe, exposures, rank_bits
from macbert.audit.intervals import bootstrap_mean, greater, wilson
from macbert.audit.pii import same_shape
from macbert.audit.report import BEGIN, END, with_card
from macbert.audit.run import audit
from macbert.audit.scoring import Row, Scorer
from macbert.cli import main


def test_secrets_planted_64_times_are_more_exposed_than_never_planted_ones(planted: Any, tmp_path: Path) -> None:
    canaries = str(planted.canaries / "canaries.jsonl")
    settings = {"candidates": 63, "draws": 1, "bias": "none"}  # enough for 8 against 8, and quick
    result = audit(AuditConfig(model=str(planted.run), output=str(tmp_path / "audit"), canaries=canaries, **settings))
    never, often = result.exposures
    assert (never.planted, often.planted) == (0, 64)
    assert never.secrets == often.secrets == 8
    assert result.unread == 0
    assert result.hide == "random"
    assert often.p_above_control < 0.01
    assert often.mean > never.mean
    # A secret that was never seen has a rank that is uniform over 1..N, so 1/ln 2 bits on average, and a standard
    # deviation of 1/ln 2 (an exponential law).
    assert abs(never.mean - 1 / math.log(2)) < 4 / math.log(2) / math.sqrt(8)


def test_the_command_writes_a_page_a_card_and_every_figure(
    planted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(planted.run, model, ignore=shutil.ignore_patterns("checkpoint-*", "tensorboard"))
    personal = tmp_path / "personal.txt"
    personal.write_text("请打电话13912345678找王经理，或写信到wang@example.com。\n", encoding="utf-8")
    flags = [
        "--model",
        str(model),
        "--output",
        str(tmp_path / "audit"),
        "--pii",
        str(personal),
        "--candidates",
        "15",
        "--draws",
        "1",
    ]
    flags += ["--canaries", str(planted.canaries / "canaries.jsonl"), "--write-card", "--quiet"]
    assert main(["audit", *flags]) == 0
    out = capsys.readouterr().out
    assert "Exposure of planted secrets" in out
    page = (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "13912345678" not in page
    told = json.loads((tmp_path / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert len(told["secrets"]) == 16
    assert {row["kind"] for row in told["pii"]} <= {"phone", "mobile", "email"}
    assert told["gaps"]
    card = (model / "README.md").read_text(encoding="utf-8")
    assert card.count(BEGIN) == 1
    assert "| 64 | 8 |" in card


def test_scores_are_the_log_probabilities_of_plain_transformers(planted: Any) -> None:
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    text = "中国人民在北京。"
    scorer = Scorer(str(planted.run), hide="mask")
    ids, _ = scorer.encode(text)
    rows = [Row(tuple(ids), (place,), ((ids[place],), (ids[1],))) for place in range(1, len(ids) - 1)]
    tokenizer = AutoTokenizer.from_pretrained(planted.run)
    model = AutoModelForMaskedLM.from_pretrained(planted.run).eval()
    for row, found, best in zip(rows, scorer.score(rows), scorer.best(rows), strict=True):
        hidden = torch.tensor([ids])
        hidden[0, row.hidden[0]] = tokenizer.mask_token_id
        with torch.no_grad():
            expected = model(hidden).logits[0, row.hidden[0]].log_softmax(-1)
        wanted = [expected[tokens[0]].item() for tokens in row.wanted]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)
        assert best[0] == int(expected.argmax())


def test_batches_change_no_score(planted: Any) -> None:
    texts = ["中国人民在北京。", "今天下午三点，代表们在人民大会堂开会。", "好。"]
    one, many = (Scorer(str(planted.run), batch_tokens=size) for size in (128, 8192))
    rows = []
    for text in texts:
        ids, _ = one.encode(text)
        rows += [Row(tuple(ids), (place,), ((ids[place],),)) for place in range(1, len(ids) - 1)]
    np.testing.assert_allclose(np.concatenate(one.score(rows)), np.concatenate(many.score(rows)), rtol=0, atol=1e-4)


def test_a_secret_that_is_no_whole_number_of_tokens_is_left_out(planted: Any) -> None:
    scorer = Scorer(str(planted.run))
    assert exposures(scorer, [Probe("口令是", "a", "bcdefg", ("b", "c"))]) == [None]


def test_documents_keep_their_text_around_what_is_planted(planted: Any) -> None:
    canaries = read_canaries(planted.canaries / "canaries.jsonl")
    planted_text = (planted.canaries / "documents.jsonl").read_text(encoding="utf-8")
    for canary in canaries:
        assert planted_text.count(canary.text) == canary.planted
    without = planted_text
    for canary in canaries:
        without = without.replace(canary.text, "")
    originals = [json.loads(line.text)["text"] for line in read_texts(planted.documents)]
    assert [json.loads(line)["text"] for line in without.splitlines()] == originals


def test_secrets_of_every_count_are_drawn_alike() -> None:
    config = PlantConfig(input=["x"], output="y", counts=[0, 1, 64], secrets=200)
    canaries = make_canaries(config)
    assert canaries == make_canaries(config)
    for count in config.counts:
        signs = "".join(c.secret for c in canaries if c.planted == count)
        n, p = len(signs), 1 / len(ALPHABET)
        for sign in ALPHABET:
            assert abs(signs.count(sign) - n * p) < 5 * math.sqrt(n * p * (1 - p))
    others = other_secrets(canaries[0].secret, 50, np.random.default_rng(0))
    assert canaries[0].secret not in others
    assert {len(other) for other in others} == {config.length}


def test_ranks_of_unseen_secrets_are_uniform() -> None:
    generator = np.random.default_rng(0)
    bits = [rank_bits(float(row[0]), row[1:].tolist())[1] for row in generator.normal(size=(2000, 256))]
    deviation = 1 / math.log(2) / math.sqrt(len(bits))
    assert abs(np.mean(bits) - 1 / math.log(2)) < 4 * deviation + 0.02  # 256 ranks are nearly continuous


def test_intervals_cover_as_they_say() -> None:
    generator = np.random.default_rng(0)
    inside = share = 0
    for _ in range(300):
        values = generator.normal(size=40)
        _, low, high = bootstrap_mean(values.tolist(), resamples=400, generator=generator)
        inside += low <= 0 <= high
        right = int(generator.binomial(50, 0.2))
        low, high = wilson(right, 50)
        share += low <= 0.2 <= high
    for covered in (inside, share):
        assert abs(covered / 300 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 300)
    assert greater([1.0, 2.0], []) == 1.0
    assert greater(list(range(10, 18)), list(range(8))) == pytest.approx(1 / math.comb(16, 8))


def test_made_up_data_keep_their_shape() -> None:
    others = same_shape("Wang.7@qq.com", 20, np.random.default_rng(0))
    assert len(others) == 20
    for other in others:
        assert [sign for sign in other if not sign.isalnum()] == [".", "@", "."]
        assert other[0].isupper()
        assert other[5].isdigit()


def test_the_built_in_groups_are_sound() -> None:
    dimensions = read_dimensions("built-in")
    assert [dimension.name for dimension in dimensions] == ["gender", "age", "region"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "expected YAML"),
        ("", "expected a dimension"),
        ("gender: {groups: [男, 女]}", "expected 'pairs', found none"),
        (
            "g: {groups: [男, 女], pairs: [[他, 她们]], neutral: 人, templates: [$group是$target], targets: [医生]}",
            "two words of the same length",
        ),
        (
            "g: {groups: [男, 女], pairs: [[他, 她]], neutral: 人, templates: [他是$target], targets: [医生]}",
            "templates with $group once",
        ),
    ],
)
def test_groups_that_do_not_fit_are_named(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "bias.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_dimensions(str(path))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["audit", "--model", "none", "--output", "a"], "none"),
        (["audit", "--model", "none", "--output", "a", "--canaries", "none.jsonl"], "none.jsonl"),
        (["audit", "--model", "none", "--output", "a", "--candidates", "1"], "--candidates"),
        (["audit", "plant", "--input", "none.jsonl", "--output", "a"], "none.jsonl"),
        (["audit", "plant", "--input", "few.jsonl", "--output", "a"], "expected at least 64 documents, found 1"),
        (["audit", "plant", "--input", "few.jsonl", "--output", "a", "--counts", "1", "1"], "--counts"),
    ],
)
def test_bad_input_is_named_and_ends_with_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("few.jsonl").write_text('{"text": "只有一句话。"}\n', encoding="utf-8")
    assert main([*words, "--quiet"]) == 2
    assert told in capsys.readouterr().err
    assert not Path("a").exists()


def test_a_later_audit_replaces_the_section_of_an_earlier_one() -> None:
    section = f"{BEGIN}\nnew\n{END}\n"
    assert with_card("", section) == section
    assert with_card("# Model\n", section) == f"# Model\n\n{section}"
    assert with_card(with_card("# Model\n", section), section) == f"# Model\n\n{section}"


def test_an_encoder_without_its_head_is_refused(planted: Any, tmp_path: Path) -> None:
    from transformers import BertModel

    BertModel.from_pretrained(planted.run).save_pretrained(tmp_path / "bare")
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(planted.run / name, tmp_path / "bare")
    with pytest.raises(UserError, match="a masked-language-model head"):
        Scorer(str(tmp_path / "bare"))
