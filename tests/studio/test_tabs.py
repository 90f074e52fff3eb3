"""What the tabs show, as HTML of data: nothing is lost, and nothing that was typed or read is markup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from macbert.annotations import Argument, Entity, Event, Example, Relation, Trigger
from macbert.extraction.results import as_extraction
from macbert.studio.config import StudioConfig
from macbert.studio.desk import Desk
from macbert.studio.markup import LANGUAGES, Mark, marked, table
from macbert.studio.tabs.corpus_folder import read_rejects, rejects_html
from macbert.studio.tabs.correct import correction_html
from macbert.studio.tabs.extract import extraction_html, suggested
from macbert.studio.tabs.runs import POINTS, RunLog, run_html
from macbert.studio.tabs.words import inspect, words_html

EN, ZH = LANGUAGES["en"], LANGUAGES["zh"]
EVIL = "<script>alert(1)</script>"


def test_overlapping_marks_keep_every_character_and_every_label() -> None:
    shown = marked("北京大学医院", [Mark(0, 2, "地点", 0), Mark(0, 4, "机构", 1), Mark(2, 6, "医院", 2)])
    assert shown == (
        '<p class="text"><mark class="c0" title="地点 / 机构">北京</mark><span class="tag">地点</span>'
        '<mark class="c1" title="机构 / 医院">大学</mark><span class="tag">机构</span>'
        '<mark class="c2" title="医院">医院</mark><span class="tag">医院</span></p>'
    )


def test_texts_labels_and_records_are_escaped_wherever_they_stand(tmp_path: Path) -> None:
    entity = Entity(0, 8, EVIL)
    example = Example(EVIL, entities=(entity, entity), relations=(Relation(0, EVIL, 1, {EVIL: 0}),))
    event = Event(EVIL, Trigger(0, 8), (Argument(EVIL, 0, 8),))
    (tmp_path / "rejected" / "r").mkdir(parents=True)
    line = json.dumps({"text": EVIL, EVIL: EVIL})
    (tmp_path / "rejected" / "r" / "a.jsonl").write_text(f"{line}\nno json {EVIL}\n", encoding="utf-8")
    shown = [
        extraction_html(as_extraction(example), EN),
        extraction_html(as_extraction(Example(EVIL, events=(event,))), EN),
        extraction_html(as_extraction(Example(EVIL, label=EVIL)), EN),
        correction_html(as_extraction(Example(EVIL, target=EVIL.upper())), EN),
        rejects_html(read_rejects(tmp_path, "r"), EN),
        table([EVIL], [(EVIL,)]),
    ]
    for page in shown:
        assert "<script" not in page.lower()
        assert "&lt;" in page


def test_relations_and_events_are_marked_and_listed() -> None:
    text = "7月17日，甲公司裁员百人。"
    event = Event("裁员", Trigger(9, 11), (Argument("时间", 0, 5), Argument("裁员方", 6, 9)), score=0.5)
    shown = extraction_html(as_extraction(Example(text, events=(event,))), ZH)
    assert ">裁员</mark>" in shown
    assert "时间: 7月17日；裁员方: 甲公司" in shown
    assert "0.500" in shown
    names = (Entity(0, 2, "人物"), Entity(3, 5, "地点"))
    found = Example("李雷生于北京。", entities=(names[0], Entity(4, 6, "地点")), relations=(Relation(0, "出生地", 1),))
    shown = extraction_html(as_extraction(found), EN)
    assert "<td>李雷</td><td>出生地</td><td>北京</td>" in shown
    assert "Nothing was found" in extraction_html(as_extraction(Example("今天", entities=())), EN)


def test_a_correction_marks_the_changed_characters_in_both_texts() -> None:
    shown = correction_html(as_extraction(Example("我很高心。", target="我很高兴。")), ZH)
    assert '我很高<mark class="c6">心</mark>。' in shown
    assert '我很高<mark class="c2">兴</mark>。' in shown
    assert "没有改动" in correction_html(as_extraction(Example("好。", target="好。")), ZH)


def test_rejected_records_are_read_from_file_to_file_and_endless_lines_are_cut(tmp_path: Path) -> None:
    folder = tmp_path / "rejected" / "r"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"text": "1"}\n{"text": "2"}\n', encoding="utf-8")
    (folder / "b.jsonl").write_text('{"text": "' + "长" * 1_000_000 + '"}\n{"text": "4"}\n', encoding="utf-8")
    texts: list[str] = []
    place: Any = (0, 0)
    while place is not None:
        page = read_rejects(tmp_path, "r", place, count=1)
        texts += [record["text"] for record in page.records]
        place = page.after
    assert [texts[0], texts[1], texts[-1]] == ["1", "2", "4"]
    assert len(texts) == 4
    assert len(texts[2]) < 5000


def test_a_log_is_read_on_and_anew_after_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = RunLog(tmp_path)
    assert log.entries() == []
    path.write_text('{"step": 1, "mlm_loss": 7.0}\n{"step": 2, "mlm', encoding="utf-8")
    assert [entry["step"] for entry in log.entries()] == [1]
    with open(path, "a", encoding="utf-8") as stream:
        stream.write('_loss": 6.0}\nnot json\n{"step": 3, "eval_mlm_accuracy": 0.5}\n')
    assert [entry["step"] for entry in log.entries()] == [1, 2, 3]
    other = tmp_path / "new"
    other.write_text('{"step": 1, "mlm_loss": 7.0}\n', encoding="utf-8")
    other.rename(path)
    assert [entry["step"] for entry in log.entries()] == [1]


def test_a_long_run_is_thinned_and_its_last_step_is_drawn() -> None:
    entries = [{"step": step, "mlm_loss": 8 - step / 2000, "tokens_per_second": 10.0} for step in range(1, 10_001)]
    shown = run_html(entries, EN)
    assert shown.count("<circle") <= 2 * (POINTS + 1)
    assert shown.count("step 10000:") == 2


def test_the_log_of_a_fine_tuning_shows_its_own_loss_and_scores() -> None:
    shown = run_html([{"step": 5, "loss": 0.5}, {"step": 5, "eval_f1": 0.75, "eval_runtime": 3.0}], EN)
    assert "loss (nats)<b>0.5000" in shown
    assert "f1<b>0.7500" in shown
    assert "runtime" not in shown


def test_every_word_has_its_similar_words_chosen_or_not(folders: Any) -> None:
    desk = Desk(StudioConfig(root=str(folders.root)))
    found, similar = inspect(desk, "使用语言模型来预测概率。", "work/tokenizer", strategy="mac", epoch=3)
    assert similar["语言"][0][0] == "语法"
    assert similar["来"] == []
    shown = words_html(found, similar, EN)
    for word in ("使用", "语言", "模型", "预测", "概率"):
        assert f"<td>{word}</td>" in shown
    assert "语法 0.90" in shown
    found, similar = inspect(desk, "使用语言模型。", "work/encoder", strategy="wwm")
    assert similar == {}
    assert "<td>语言</td>" in words_html(found, similar, ZH)


@pytest.mark.parametrize("strategy", ["mlm", "wwm", "wwm+ngram", "random", "mac"])
def test_what_is_shown_is_what_tokenizer_inspect_shows(folders: Any, strategy: Any) -> None:
    from macbert.masking import InspectConfig, inspect_text

    desk = Desk(StudioConfig(root=str(folders.root)))
    text = "使用语言模型来预测下一个词的概率。" * 4
    same = InspectConfig(text=text, tokenizer=str(folders.tokenizer), strategy=strategy, seed=5)
    found, _ = inspect(desk, text, "work/tokenizer", "", strategy, 5, 0)
    assert found.as_json() == inspect_text(same).as_json()


def test_a_folder_that_was_written_again_is_loaded_again(folders: Any, tmp_path: Path) -> None:
    desk = Desk(StudioConfig(root=str(folders.root)))
    made: list[int] = []

    def load() -> int:
        made.append(len(made))
        return made[-1]

    (tmp_path / "model").write_text("1", encoding="utf-8")
    assert [desk.loaded(tmp_path, ("p",), load) for _ in range(3)] == [0, 0, 0]
    (tmp_path / "model").write_text("2", encoding="utf-8")
    assert desk.loaded(tmp_path, ("p",), load) == 1
    assert desk.loaded(tmp_path, ("q",), load) == 2


def test_the_labels_of_a_model_are_offered_to_the_chat_model(folders: Any) -> None:
    desk = Desk(StudioConfig(root=str(folders.root)))
    assert suggested(desk, "work/ner") == ("ner", '["人物", "地点"]')
    assert suggested(desk, "work/correct") is None
