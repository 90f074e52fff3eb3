"""Tab "Extract": names, relations and events marked in a text, by a fine-tuned model and by a chat model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, get_args

from corpus.errors import UserError
from macbert.chatie.config import ChatTask
from macbert.extraction.results import Extraction, as_extraction
from macbert.studio.desk import Desk
from macbert.studio.layout import Choice, choose, nothing_here, told
from macbert.studio.markup import Mark, Say, block, faint, heading, marked, table

TASKS = ("ner", "relation", "event", "classify")
CHAT_TASKS: tuple[str, ...] = get_args(ChatTask)
EXAMPLE = "王芳在上海图书馆找到了一本旧地图。"


def extract(desk: Desk, text: Any, model: Any) -> Extraction:
    """Read a text with a fine-tuned or exported model.

    Raises:
        UserError: no such model, one that reads pairs, or a text that may not be read.
    """
    text = desk.checked(text)
    place = desk.places.find("model", model)
    with desk.working:
        extractor = _extractor(desk, place.path)
        if extractor.reads_pairs or extractor.task not in TASKS:
            found = "one of pairs" if extractor.reads_pairs else f"one for {extractor.task}"
            fix = "choose another, or use macbert predict"
            raise UserError.at(model, expected=f"a model for {', '.join(TASKS)}", found=found, fix=fix)
        return extractor.extract([text])[0]


def _extractor(desk: Desk, path: Any) -> Any:
    from macbert.extraction.extractor import load_extractor

    return desk.loaded(path, ("extract",), lambda: load_extractor(path))


def ask(desk: Desk, text: Any, task: Any, schema: Any) -> Extraction:
    """Ask the chat model of the command line about a text.

    Args:
        desk: the studio's.
        text: what was typed.
        task: ner, relation or event.
        schema: the labels, as JSON; never the name of a file.

    Raises:
        UserError: no chat model, labels of another form, or a server that refuses.
        OSError: the server cannot be reached.
    """
    text = desk.checked(text)
    if desk.config.chatie is None:
        fix = "start with --chatie NAME --endpoint.base-url URL"
        raise UserError.at("chat", expected="a chat model", found="none", fix=fix)
    if task not in CHAT_TASKS:
        raise UserError.at("task", expected=", ".join(CHAT_TASKS), found="another", fix="choose one")
    if not isinstance(schema, str) or schema.lstrip()[:1] not in ("[", "{"):
        fix = 'write JSON, such as ["人物", "地点"]'
        raise UserError.at("labels", expected="a JSON list or object", found="something else", fix=fix)
    desk.checked(schema)

    from macbert.annotations import Example
    from macbert.chatie.extraction import extract as extract_by_chat
    from macbert.chatie.schema import read_schema

    labels = read_schema(task, schema)
    with desk.asking:
        answered = extract_by_chat([Example(text)], labels, desk.config.chatie, desk.config.endpoint)
    if answered.usage.failed:
        fix = "see the terminal, and try again"
        raise UserError.at(desk.config.chatie, expected="an answer", found="none", fix=fix)
    return as_extraction(answered.predicted[0])


def suggested(desk: Desk, model: Any) -> tuple[str, str] | None:
    """Return (task, labels as JSON) that ask a chat model for what a fine-tuned one finds; None where it cannot be."""
    place = desk.places.find("model", model)
    if place.task not in CHAT_TASKS:
        return None
    with desk.working:
        extractor = _extractor(desk, place.path)
    labels: Any = extractor.labels
    if place.task == "relation":
        labels = [
            {"predicate": predicate, "subject_type": subject, "object_type": object_}
            for predicate, (subject, object_) in extractor.argument_types.items()
        ]
    elif place.task == "event":
        labels = extractor.roles
    return str(place.task), json.dumps(labels, ensure_ascii=False)


def extraction_html(found: Extraction, say: Say) -> str:
    """Return a text with its names or its events marked, and relations and events as tables."""
    marks, kinds = [], _Kinds()
    for name in found.entities:
        marks.append(Mark(name.start, name.end, name.type, kinds[name.type]))
    for event in found.events:
        colour = kinds[event.type]
        if event.trigger is not None:
            marks.append(Mark(event.trigger.start, event.trigger.end, event.type, colour))
        marks += [Mark(a.start, a.end, a.role, kinds[a.role]) for a in event.arguments]
    parts = [marked(found.text, marks)]
    if found.label is not None or found.labels is not None:
        labels = [found.label] if found.label is not None else list(found.labels or ())
        parts.append(table([say("类别", "class"), say("置信度", "score")], [("、".join(labels), _score(found.score))]))
    elif not marks:
        parts.append(faint(say("什么也没有找到。", "Nothing was found.")))
    if found.entities and not found.relations:
        heads = [say("名称", "name"), say("类型", "type"), say("位置", "place"), say("置信度", "score")]
        rows = [(n.text, n.type, f"{n.start}–{n.end}", _score(n.score)) for n in found.entities]
        parts += [heading(say("实体", "Entities")), table(heads, rows)]
    if found.relations:
        heads = [say("主体", "subject"), say("关系", "predicate"), say("客体", "object"), say("置信度", "score")]
        rows = []
        for relation in found.relations:
            slots = "".join(f"；{slot}: {name.text}" for slot, name in relation.slots.items())
            rows.append(
                (relation.subject.text, relation.predicate, relation.object.text + slots, _score(relation.score))
            )
        parts += [heading(say("关系", "Relations")), table(heads, rows)]
    if found.events:
        heads = [say("事件", "event"), say("触发词", "trigger"), say("论元", "arguments"), say("置信度", "score")]
        rows = [
            (
                event.type,
                event.trigger.text if event.trigger else "",
                "；".join(f"{argument.role}: {argument.text}" for argument in event.arguments),
                _score(event.score),
            )
            for event in found.events
        ]
        parts += [heading(say("事件", "Events")), table(heads, rows)]
    return block(*parts)


class _Kinds(dict[str, int]):
    """The number of a colour for each kind, in the order in which they come."""

    def __missing__(self, kind: str) -> int:
        self[kind] = len(self)
        return self[kind]


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def lay_out(desk: Desk, say: Say) -> list[Choice]:
    """Lay the tab out: the fine-tuned model left, the chat model right where there is one."""
    import gradio as gr

    chat = desk.config.chatie
    if desk.config.root is None and chat is None and not desk.places.of("model", TASKS):
        nothing_here(say, "--model")
        return []
    limit = desk.config.max_characters
    text = gr.Textbox(EXAMPLE, lines=3, max_lines=12, max_length=limit, label=say("文本", "Text"))
    go = gr.Button(say("抽取", "Extract"), variant="primary")
    quiet: dict[str, Any] = {"api_visibility": "private"}
    with gr.Row():
        with gr.Column():
            models = choose(desk, say("微调模型", "Fine-tuned model"), "model", TASKS)
            result = gr.HTML(elem_classes="by-model")
        if chat is not None:
            with gr.Column():
                task = gr.Dropdown(list(CHAT_TASKS), value="ner", label=f"ChatIE: {chat}")
                schema = gr.Textbox(
                    desk.config.endpoint.schema or '["人物", "地点"]', label=say("标签（JSON）", "Labels (JSON)")
                )
                take = gr.Button(say("用微调模型的标签", "Take the fine-tuned model's labels"), size="sm")
                answer = gr.HTML(elem_classes="by-chat")

    def by_model(sentence: Any, model: Any) -> str:
        return extraction_html(extract(desk, sentence, model), say)

    go.click(told(by_model, say), [text, models.dropdown], result, **quiet)
    if chat is not None:

        def by_chat(sentence: Any, kind: Any, labels: Any) -> str:
            return extraction_html(ask(desk, sentence, kind, labels), say)

        def taken(model: Any) -> Sequence[Any]:
            found = suggested(desk, model)
            if found is None:
                fix = say("请换一个模型", "choose another model")
                raise UserError.at(model, expected=f"a model for {', '.join(CHAT_TASKS)}", found="another", fix=fix)
            return "", *found

        go.click(told(by_chat, say), [text, task, schema], answer, **quiet)
        take.click(told(taken, say, 3), models.dropdown, [answer, task, schema], **quiet)
    return [models]
