"""Every phrase of every error stands in the catalogue with its Chinese; every error has a code in both languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from corpus.errors import Problem
from macbert.cli import main
from macbert.cli.messages import FLOORS, LANGUAGE, Entry, catalogue, language, read_catalogue, told, told_message

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def source(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    """The reader of phrases."""
    return load_file(ROOT / "scripts" / "docs" / "message_templates.py")


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for Chinese."""
    monkeypatch.setenv(LANGUAGE, "zh")


def entries(floor: str) -> set[tuple[str, str]]:
    return {(part, entry.english) for part, entry in read_catalogue(floor)}


@pytest.mark.parametrize("floor", FLOORS)
def test_no_phrase_is_missing(floor: str, source: ModuleType) -> None:
    known = set().union(*(entries(below) for below in FLOORS[: FLOORS.index(floor) + 1]))
    found = source.phrases(floor)
    assert len(found) > 100
    missing = [f"{p.where} {p.part}: {p.template}" for p in found if (p.part, p.template) not in known]
    assert not missing, f"{len(missing)} phrases have no Chinese yet:\n" + "\n".join(missing)


def test_no_phrase_is_left_from_earlier(source: ModuleType) -> None:
    used = {(phrase.part, phrase.template) for floor in FLOORS for phrase in source.phrases(floor)}
    left = {pair for floor in FLOORS for pair in entries(floor) if pair[0] != "other"} - used
    assert not left


def test_a_code_is_one_phrases_and_a_phrase_has_one_code() -> None:
    pairs = [(entry.code, entry.english) for floor in FLOORS for _, entry in read_catalogue(floor) if entry.code]
    assert max(Counter(code for code, _ in pairs).values()) == 1
    assert max(Counter(english for _, english in pairs).values()) == 1
    for floor in FLOORS:
        letter = floor[0].upper()
        assert all(re.fullmatch(rf"{letter}\d{{3}}", e.code) for _, e in read_catalogue(floor) if e.code)


def test_chinese_names_every_value_once_and_speaks_chinese() -> None:
    for floor in FLOORS:
        for _, entry in read_catalogue(floor):
            values = [f"<{number}>" for number in range(entry.english.count("{}"))]
            text = entry.chinese.format(*values)
            assert all(text.count(value) == 1 for value in values), entry
            plain = re.sub(r"<\d>", "", text)
            assert re.search(r"[一-鿿]", plain) or plain.split("、") == _latin(entry.english), entry
            assert not re.search(r"[一-鿿][,;:?!]|[,;:?!][一-鿿]", plain), f"a Latin sign in Chinese: {entry}"


def _latin(english: str) -> list[str]:
    """Return names that are the same in every language, in a row."""
    return re.sub(r"{}", "", english).split(", ")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "en_GB.UTF-8", LANGUAGE: "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", LANGUAGE: "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", LANGUAGE: "fr"}, "zh"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_locales(
    settings: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", LANGUAGE):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_an_error_is_told_in_both_languages_with_one_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raw.jsonl").touch()
    command = ["corpus", "build", "--input", str(tmp_path / "rwa.jsonl"), "--output", str(tmp_path / "out"), "--quiet"]
    lines = {}
    for asked in ("en", "zh"):
        monkeypatch.setenv(LANGUAGE, asked)
        assert main(command) == 2
        lines[asked] = capsys.readouterr().err.rstrip("\n")
    place, near = tmp_path / "rwa.jsonl", tmp_path / "raw.jsonl"
    assert lines["en"] == (
        f"macbert: error: {place}: expected a file or folder, found nothing there; did you mean {near}? [C016]"
    )
    assert lines["zh"] == f"macbert: 错误：{place}：期望文件或文件夹，实际：该路径不存在；是否应为 {near}？ [C016]"


@pytest.mark.usefixtures("chinese")
def test_values_stand_where_chinese_has_them() -> None:
    problem = Problem("runs", "a corpus folder with manifest.json", "3 of a.jsonl in both", "mend the line")
    found = "实际：a.jsonl 的 3 同时属于两类"
    assert told(problem) == f"runs：期望含 manifest.json 的 corpus 文件夹，{found}；请修正该行 [C035]"
    nested = Problem("a", "an empty or new folder", "a file", "choose another --output, or empty it")
    assert told(nested).endswith("；请换一个 --output，或先清空它 [C038]")


@pytest.mark.usefixtures("chinese")
def test_what_the_catalogue_does_not_know_stays_as_it_is() -> None:
    assert told(Problem("a", "Xyz of Q", "12", "uvw")) == "a：期望 Xyz of Q，实际：12；uvw"


@pytest.mark.usefixtures("chinese")
def test_a_missing_extra_and_a_full_disk_are_told_in_chinese() -> None:
    message = told_message("--engine ray needs ray: pip install 'macbert-zh[ray]'")
    assert message == "--engine ray 需要 ray：请运行 pip install 'macbert-zh[ray]' [C090]"
    full = "the disk is full (no space left on device); free some space and run the same command again"
    assert told_message(full).startswith("磁盘已满")


def test_the_longest_phrase_wins() -> None:
    openings = catalogue()["found"].open
    assert [len(entry.english) for entry in openings] == sorted((len(e.english) for e in openings), reverse=True)
    assert Entry("a {} folder with {}", "", None).pattern.fullmatch("a run folder with run.json") is not None


def test_the_reader_of_phrases_follows_names_parameters_and_choices(
    source: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.py").write_text(
        "KNOWN = f'one of {names}'\n"
        "def check(value, fix):\n"
        "    found = 'a list' if value else f'{value} of {{x}}'\n"
        "    raise UserError.at('w', expected=KNOWN, found=found, fix=fix)\n"
        "check(1, 'first')\n"
        "check(2, fix='second' + ' half')\n"
        "Problem('w', 'positional', str(error), f'{n}')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(source, "ROOT", tmp_path)
    assert {(phrase.part, phrase.template) for phrase in source.phrases("own")} == {
        ("expected", "one of {}"),
        ("expected", "positional"),
        ("found", "a list"),
        ("found", "{} of {{x}}"),
        ("fix", "first"),
        ("fix", "second half"),
    }
