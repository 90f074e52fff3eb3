"""Tab "Correct": a text before and after a spelling model, or a pretrained encoder that was never taught spelling."""

from __future__ import annotations

import html
from typing import Any

from macbert.extraction.results import Extraction
from macbert.studio.desk import Desk
from macbert.studio.layout import Choice, choose, nothing_here, told
from macbert.studio.markup import Say, block, faint, heading, table

EXAMPLE = "我今天很高心，因为明天去上海旅游。"


def correct(desk: Desk, text: Any, model: Any) -> Extraction:
    """Read a text with a spelling model; a pretrained encoder restores what it holds for replaced.

    Raises:
        UserError: no such model, one for another task, or a text that may not be read.
    """
    text = desk.checked(text)
    path = desk.places.find("correcting", model).path
    with desk.working:
        from macbert.extraction.extractor import load_extractor

        extractor = desk.loaded(path, ("correct",), lambda: load_extractor(path, task="correct"))
        return extractor.extract([text])[0]


def correction_html(found: Extraction, say: Say) -> str:
    """Return the text before and after, with the changed characters marked, and a table of them."""
    wrong = {edit.position for edit in found.edits}
    before = _with_marks(found.text, wrong, "c6")
    after = _with_marks(found.correction or found.text, wrong, "c2")
    parts = [heading(say("之前", "Before")), before, heading(say("之后", "After")), after]
    if not found.edits:
        return block(*parts, faint(say("没有改动。", "Nothing was changed.")))
    heads = [say("位置", "place"), say("原字", "was"), say("改为", "is")]
    rows = [(edit.position, edit.wrong, edit.right) for edit in found.edits]
    return block(*parts, heading(say("改动", "Changes")), table(heads, rows))


def _with_marks(text: str, places: set[int], colour: str) -> str:
    signs = (
        f'<mark class="{colour}">{html.escape(sign)}</mark>' if place in places else html.escape(sign)
        for place, sign in enumerate(text)
    )
    return f'<p class="text">{"".join(signs)}</p>'


def lay_out(desk: Desk, say: Say) -> list[Choice]:
    """Lay the tab out."""
    import gradio as gr

    if desk.config.root is None and not desk.places.of("correcting"):
        nothing_here(say, "--model")
        return []
    models = choose(desk, say("纠错模型或预训练编码器", "Spelling model or pretrained encoder"), "correcting")
    limit = desk.config.max_characters
    text = gr.Textbox(EXAMPLE, lines=3, max_lines=12, max_length=limit, label=say("文本", "Text"))
    go = gr.Button(say("纠错", "Correct"), variant="primary")
    result = gr.HTML()

    def corrected(sentence: Any, model: Any) -> str:
        return correction_html(correct(desk, sentence, model), say)

    go.click(told(corrected, say), [text, models.dropdown], result, api_visibility="private")
    return [models]
