"""ChatIE against a server that knows the gold: a perfect one scores 100, a messy one too or its mess is counted."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from asking import ask, f1
from oracle_server import Mishap, OracleServer, Question, merge

from corpus.errors import Problem, UserError
from macbert.annotations import Example, read_format, scan_examples
from macbert.chatie.answers import clean


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("mode", ["two-stage", "single", "oracle"])
@pytest.mark.parametrize("style", ["json", "paper"])
@pytest.mark.parametrize("task", ["ner", "relation", "event"])
def test_a_perfect_server_scores_100(
    gold: dict[str, list[Example]], task: str, style: str, mode: str, language: str, tmp_path: Path
) -> None:
    with OracleServer(gold[task]) as server:
        result = ask(gold[task], task, server, tmp_path, style=style, mode=mode, language=language)
    assert f1(result) == 1.0
    assert result.hallucination_rate == 0
    assert result.usage.failed == result.usage.retries == 0
    assert result.usage.calls == sum(server.asked.values())
    if mode == "two-stage":
        assert result.stage_one is not None
        assert result.stage_one.f1 == 1.0
    else:
        assert result.stage_one is None


@pytest.mark.parametrize("style", ["json", "paper"])
@pytest.mark.parametrize("mode", ["two-stage", "single"])
def test_triggers_are_found_when_asked_for(event_gold: list[Example], style: str, mode: str, tmp_path: Path) -> None:
    with OracleServer(event_gold) as server:
        result = ask(event_gold, "event", server, tmp_path, style=style, mode=mode, triggers=True)
    assert result.scores is not None
    assert result.scores.metrics["trigger_f1"] == 1.0
    assert result.scores.metrics["whole_event_f1"] == 1.0


def test_the_number_of_questions_is_one_and_one_a_label(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as server:
        result = ask(ner_gold, "ner", server, tmp_path)
    labels = sum(len({e.type for e in example.entities or ()}) for example in ner_gold)
    assert result.usage.calls == len(ner_gold) + labels


def wide(answer: str, question: Question) -> str:
    return answer.translate(str.maketrans({"(": "（", ")": "）", ",": "，", "|": "｜", "[": "［", "]": "］"}))


def without_separator(answer: str, question: Question) -> str:
    return "\n".join(line for line in answer.split("\n") if "---" not in line)


def without_header(answer: str, question: Question) -> str:
    lines = answer.split("\n")
    return "\n".join(lines[2:]) if len(lines) > 1 and "---" in lines[1] else answer


def three_columns(answer: str, question: Question) -> str:
    if question.task != "relation" or question.kind != "fill" or "|" not in answer:
        return answer
    return answer.replace("\n| ", f"\n| {question.values['type']} | ")


def none_words(answer: str, question: Question) -> str:
    none = {"无": "无。", "none": "None."}
    if answer.startswith("|") and question.task == "event":
        return answer + f"\n| {question.values.get('type') or '裁员'} | 时间 | 无 |"
    return none.get(answer, answer)


def prose(answer: str, question: Question) -> str:
    return f"好的，根据给定的句子，结果如下：\n{answer}\n希望对您有帮助！"


def fence(answer: str, question: Question) -> str:
    return f"```json\n{answer}\n```"


def python_literal(answer: str, question: Question) -> str:
    return repr(json.loads(answer))


def trailing_comma(answer: str, question: Question) -> str:
    return answer.replace("]}", ",]}").replace("[,]", "[]")


def thinking(answer: str, question: Question) -> str:
    return f'<think>先看 (甲, 乙) 和 {{"types": ["错"]}}。</think>\n\n{answer}'


def wide_json(answer: str, question: Question) -> str:
    return answer.translate(str.maketrans({'"': "”", ":": "：", ",": "，"}))


def twice(answer: str, question: Question) -> str:
    lines = answer.split("\n")
    return "\n".join([*lines, *lines[2:]]) if len(lines) > 2 else answer


@pytest.mark.parametrize(
    ("style", "dress"),
    [
        ("paper", wide),
        ("paper", without_separator),
        ("paper", without_header),
        ("paper", three_columns),
        ("paper", none_words),
        ("paper", thinking),
        ("paper", twice),
        ("json", prose),
        ("json", fence),
        ("json", python_literal),
        ("json", trailing_comma),
        ("json", thinking),
        ("json", wide_json),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
@pytest.mark.parametrize("task", ["ner", "relation", "event"])
def test_answers_in_another_dress_are_read_all_the_same(
    gold: dict[str, list[Example]], task: str, style: str, dress: Any, tmp_path: Path
) -> None:
    with OracleServer(gold[task], dress=dress) as server:
        result = ask(gold[task], task, server, tmp_path, style=style)
    assert f1(result) == 1.0, dict(result.notes)


@pytest.mark.parametrize("style", ["json", "paper"])
@pytest.mark.parametrize("task", ["ner", "relation", "event"])
def test_an_answer_that_is_no_answer_is_counted_and_costs_nothing_but_itself(
    gold: dict[str, list[Example]], task: str, style: str, tmp_path: Path
) -> None:
    """Every second-stage answer is babble: no prediction, and as many unreadable answers as there were questions."""

    def babble(answer: str, question: Question) -> str:
        return answer if question.kind == "types" else "抱歉，作为一个语言模型，我需要更多的上下文。"

    with OracleServer(gold[task], dress=babble) as server:
        result = ask(gold[task], task, server, tmp_path, style=style)
    fills = result.usage.calls - len(gold[task])
    assert result.notes["unreadable"] == fills > 0
    assert f1(result) == 0


def test_what_is_not_in_the_text_is_counted_as_made_up(ner_gold: list[Example], tmp_path: Path) -> None:
    def invent(answer: str, question: Question) -> str:
        if question.kind == "types":
            return answer
        value = json.loads(answer)
        value["entities"].append("不存在的名字")
        return json.dumps(value, ensure_ascii=False)

    with OracleServer(ner_gold, dress=invent) as server:
        result = ask(ner_gold, "ner", server, tmp_path)
    fills = result.usage.calls - len(ner_gold)
    assert result.notes["ungrounded"] == fills
    assert result.hallucination_rate == pytest.approx(fills / result.notes["answers"])
    assert f1(result) == 1.0


def test_labels_that_nobody_asked_for_are_counted(ner_gold: list[Example], tmp_path: Path) -> None:
    def invent(answer: str, question: Question) -> str:
        return answer.replace("]", ', "外星人"]') if question.kind == "types" and "[]" not in answer else answer

    with OracleServer(ner_gold, dress=invent) as server:
        result = ask(ner_gold, "ner", server, tmp_path)
    assert result.notes["unknown_label"] == sum(bool(example.entities) for example in ner_gold)
    assert f1(result) == 1.0


def test_an_answer_cut_at_max_tokens_is_read_as_far_as_it_goes(ner_gold: list[Example], tmp_path: Path) -> None:
    def cut(answer: str, question: Question) -> str:
        return answer if question.kind == "types" else answer[:-3]

    with OracleServer(ner_gold, dress=cut) as server:
        server.finish_reason = "length"
        result = ask(ner_gold, "ner", server, tmp_path)
    assert result.notes["cut_at_max_tokens"] == result.usage.calls
    assert result.notes["cut"] == result.usage.calls - len(ner_gold)
    assert result.scores is not None
    assert result.scores.metrics["surface_precision"] == 1.0
    assert 0 < result.scores.metrics["surface_recall"] < 1.0


WIRE = {
    "http_429": Mishap(429, '{"error": {"message": "slow down"}}', headers={"retry-after": "0"}),
    "http_500": Mishap(500, "Internal Server Error", "text/plain"),
    "http_503": Mishap(503, "<html>overloaded</html>", "text/html"),
    "html": Mishap(200, "<!doctype html><p>Please log in</p>", "text/html"),
    "timeout": Mishap(delay=1.0, body="{}"),
    "cut_body": Mishap(200, json.dumps({"choices": [{"message": {"content": "x" * 400}}]}), cut=True),
    "bad_body": Mishap(200, '{"choices": []}'),
}


@pytest.mark.parametrize("kind", WIRE)
def test_trouble_on_the_wire_is_tried_again_and_counted(kind: str, ner_gold: list[Example], tmp_path: Path) -> None:
    """Each question's first try meets the trouble; the second is answered."""
    examples = ner_gold[:1]
    mishap = WIRE[kind]
    with OracleServer(examples, mishap=lambda number, times, headers: mishap if times == 1 else None) as server:
        result = ask(examples, "ner", server, tmp_path, timeout=0.4 if kind == "timeout" else 20.0)
    assert f1(result) == 1.0
    counted = result.usage.troubles[kind] + (result.usage.troubles["connection"] if kind == "cut_body" else 0)
    assert counted == result.usage.retries == result.usage.calls, result.usage


@pytest.mark.parametrize("kind", WIRE)
def test_trouble_that_stays_fails_its_question_alone(kind: str, ner_gold: list[Example], tmp_path: Path) -> None:
    examples = ner_gold[:1]
    mishap = WIRE[kind]
    with OracleServer(examples, mishap=lambda number, times, headers: mishap if number > 1 else None) as server:
        result = ask(examples, "ner", server, tmp_path, timeout=0.4 if kind == "timeout" else 20.0, max_retries=1)
    assert result.usage.failed == 2  # one question for each of the two labels
    assert len(server.requests) == 1 + 2 * 2
    assert result.notes["failed"] == 2
    assert f1(result) == 0


def test_a_server_that_never_answers_stops_the_run(ner_gold: list[Example], tmp_path: Path) -> None:
    down = Mishap(500, "down", "text/plain")
    with (
        OracleServer(ner_gold, mishap=lambda *_: down) as server,
        pytest.raises(OSError, match="no answer to 3 questions in a row"),
    ):
        ask(ner_gold, "ner", server, tmp_path, max_retries=0, max_failures=3)


def test_a_redirect_to_another_host_is_refused(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as other:
        away = Mishap(307, headers={"location": f"{other.base_url}/chat/completions"})
        with (
            OracleServer(ner_gold, mishap=lambda *_: away) as server,
            pytest.raises(UserError, match=r"a redirect to 127\.0\.0\.1"),
        ):
            ask(ner_gold, "ner", server, tmp_path)
        assert other.requests == []


def test_the_answer_format_steps_down_to_what_the_server_has(ner_gold: list[Example], tmp_path: Path) -> None:
    refused = Mishap(400, '{"error": {"message": "response_format is not supported"}}')
    for supported, name in ((0, "json_schema"), (1, "json_object"), (2, None)):
        with OracleServer(ner_gold) as server:
            level = {"json_schema": 0, "json_object": 1, None: 2}

            def mishap(
                number: int,
                times: int,
                headers: Any,
                server: Any = server,
                level: Any = level,
                supported: int = supported,
            ) -> Mishap | None:
                kind = (server.requests[number - 1].get("response_format") or {}).get("type")
                return refused if level[kind] < supported else None

            server.mishap = mishap
            result = ask(ner_gold, "ner", server, tmp_path / str(supported), concurrency=1)
        assert f1(result) == 1.0
        last = server.requests[-1].get("response_format")
        assert (last or {}).get("type") == name
        # Refusals are met once, not for every question.
        assert len(server.requests) == result.usage.calls + supported


SETS = [
    ("ner", "macbert", "ner_cluener/dev.jsonl.zst"),
    ("ner", "macbert", "ner_msra/test.jsonl.zst"),
    ("ner", "macbert", "ner_weibo/test.jsonl.zst"),
    ("ner", "macbert", "ner_literature/test.jsonl.zst"),
    ("ner", "plain-tags", "ner_conllpp_en/test.jsonl.zst"),
    ("relation", "duie", "re_duie_sample5000/train.jsonl.zst"),
    ("relation", "plain-triples", "re_sanwen/test.jsonl.zst"),
    ("relation", "plain-triples", "re_people_relation_noisy/all.jsonl.zst"),
    ("relation", "plain-documents", "re_literature_docs/testing.jsonl.zst"),
    ("event", "duee", "ee_duee_dev/public1000.jsonl.zst"),
    ("event", "plain-events", "ee_cec/all.jsonl.zst"),
]


def read_set(shared_data: Path, form: str, name: str, limit: int | None) -> list[Example]:
    path = shared_data / "tasks" / name
    if form == "macbert":
        examples = scan_examples(path)[0]
    else:
        items = itertools.islice(read_format(form, path), None if limit is None else 20 * limit)
        examples = [item for item in items if not isinstance(item, Problem)]
    return merge(examples)[:limit]


@pytest.mark.parametrize(("task", "form", "name"), SETS, ids=[name.split("/")[0] for *_, name in SETS])
def test_a_perfect_server_scores_100_on_real_sets(
    task: str, form: str, name: str, shared_data: Path, tmp_path: Path
) -> None:
    examples = read_set(shared_data, form, name, 15)
    with OracleServer(examples) as server:
        for style, mode in (("json", "two-stage"), ("json", "single"), ("paper", "two-stage")):
            result = ask(examples, task, server, tmp_path, style=style, mode=mode, backoff=0.01)
            assert f1(result) == 1.0, (style, mode, dict(result.notes))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("task", "form", "name"), SETS, ids=[name.split("/")[0] for *_, name in SETS])
def test_a_perfect_server_scores_100_on_whole_real_sets(
    task: str, form: str, name: str, shared_data: Path, tmp_path: Path
) -> None:
    # 55,610 pairs of the noisy set are 28,798 texts; the first 3,000 say as much.
    examples = read_set(shared_data, form, name, 3000 if "people" in name else None)
    with OracleServer(examples) as server:
        result = ask(examples, task, server, tmp_path)
    assert f1(result) == 1.0, dict(result.notes)


def test_thinking_is_no_answer() -> None:
    assert clean("<think>也许是 (地点)</think>无") == "无"
    assert clean("先想一想</think>\n(人物)") == "(人物)"
    assert clean("<think>没有想完") == ""
