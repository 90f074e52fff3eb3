"""Tab "Words & masks": what masking makes of a text, and what an encoder puts right again."""

from __future__ import annotations

import html
from typing import Any, get_args

from corpus.errors import UserError
from macbert.masking.config import InspectConfig, Strategy
from macbert.masking.inspection import InspectedWord, Inspection
from macbert.studio.desk import Desk
from macbert.studio.layout import Choice, choose, nothing_here, told
from macbert.studio.markup import Markup, Say, block, faint, heading, table

STRATEGIES: tuple[str, ...] = get_args(Strategy)
EXAMPLE = "使用语言模型来预测下一个词的概率。"

_COLOURS = {"similar": 2, "random": 3, "kept": 0, "masked": 4, "fallback": 6}


def inspect(
    desk: Desk, text: Any, words: Any, encoder: Any = "", strategy: Any = "mac", seed: Any = 0, epoch: Any = 0
) -> tuple[Inspection, dict[str, list[tuple[str, float]]]]:
    """Mask a text as pretraining would, and look up the similar words of each of its words.

    Args:
        desk: the studio's.
        text: what was typed.
        words: name of a folder with a tokenizer.
        encoder: name of a folder with a pretrained encoder; empty for none.
        strategy: of masking.
        seed: of the masks.
        epoch: another one gives other masks.

    Raises:
        UserError: no such folder, a text that may not be read, no similar words for ``mac``.
    """
    text = desk.checked(text)
    if strategy not in STRATEGIES:
        raise UserError.at("strategy", expected=", ".join(STRATEGIES), found="another", fix="choose one")
    place = desk.places.find("words", words)
    model = desk.places.find("encoder", encoder).path if encoder else None
    config = InspectConfig(
        text=text,
        tokenizer=str(place.path),
        strategy=strategy,
        seed=int(seed or 0),
        epoch=int(epoch or 0),
        model=None if model is None else str(model),
    )
    with desk.working:
        from macbert.masking.inspect import Inspector

        purpose = ("words", strategy == "mac", config.model)
        inspector = desk.loaded(place.path, purpose, lambda: Inspector(config))
        found = inspector.inspect(config)
        if inspector.similar is None:
            return found, {}
        spelled = {_spelled(word) for word in found.words if word.unit is not None}
        return found, {word: inspector.similar.lookup(word) for word in spelled}


def _spelled(word: InspectedWord) -> str:
    return "".join(token.removeprefix("##") for token in word.tokens)


def words_html(found: Inspection, similar: dict[str, list[tuple[str, float]]], say: Say) -> str:
    """Return the units of a text, its masked form, and every word with its similar words and what became of it."""
    counts = found.counts
    budget = say(
        f"{len(found.words)} 个词，{counts.tokens} 个词元；预算 {counts.budget} 个，选中 {counts.chosen} 个。",
        f"{len(found.words)} words, {counts.tokens} tokens; budget {counts.budget} tokens, chosen {counts.chosen}.",
    )
    parts = [faint(budget), heading(say("词与 n-gram 单元", "Words and n-gram units")), _units(found, say)]
    parts += [
        heading(say("模型看到的文本", "What the model sees")),
        f'<p class="text">{html.escape(found.masked_text)}</p>',
    ]
    if found.restored:
        right, chosen = found.restored
        told_restored = say(
            f"编码器还原了 {chosen} 个词元中的 {right} 个。", f"The encoder restores {right} of {chosen} tokens."
        )
        parts.append(faint(told_restored))
    heads = [
        say("单元", "unit"),
        say("词", "word"),
        say("变成", "became"),
        say("方式", "how"),
        say("编码器还原为", "the encoder says"),
        say("近义词（余弦）", "similar words (cosine)"),
    ]
    rows = [_row(word, similar, say) for word in found.words if word.unit is not None]
    return block(*parts, heading(say("逐词", "Word by word")), table(heads, rows))


def _units(found: Inspection, say: Say) -> str:
    """Return the words of the text; those of one unit share a line below, chosen ones have the colour of their fate."""
    parts: list[str] = []
    last: tuple[int, int | None] | None = None
    for word in found.words:
        here = (word.row, word.unit)
        if last is not None and here != last:
            parts.append("</span>")
        if here != last:
            parts.append('<span class="unit">' if word.unit is not None else '<span class="faint">')
        elif word.unit is not None:
            parts.append('<span class="faint">·</span>')
        last = here
        text = html.escape(word.text)
        if word.chosen:
            how = html.escape(_fate(word.outcome, say))
            if word.replacement != word.tokens:
                text = f"<del>{text}</del>→{html.escape(word.new_text)}"
            text = f'<mark class="c{_COLOURS[word.outcome]}" title="{how}">{text}</mark>'
        parts.append(text)
    parts.append("</span>" if last is not None else "")
    legend = "".join(
        f'<mark class="c{colour}">{html.escape(_fate(kind, say))}</mark> '
        for kind, colour in _COLOURS.items()
        if any(kind in word.outcomes for word in found.words)
    )
    return f'<p class="text">{"".join(parts)}</p><p>{legend}</p>'


def _fate(outcome: str, say: Say) -> str:
    return {
        "similar": say("近义词", "similar word"),
        "random": say("随机词", "random word"),
        "kept": say("保留但预测", "kept, predicted"),
        "masked": "[MASK]",
        "fallback": say("无近义词：随机", "no similar word: random"),
    }[outcome]


def _row(word: InspectedWord, similar: dict[str, list[tuple[str, float]]], say: Say) -> list[Any]:
    candidates = "，".join(f"{other} {cosine:.2f}" for other, cosine in similar.get(_spelled(word), [])[:5])
    unit = f"{word.unit} (n={word.drawn_n})" if word.drawn_n else str(word.unit)
    if not word.chosen:
        return [unit, word.text, "", "", "", candidates]
    hows = say("、", ", ").join(_fate(outcome, say) for outcome in dict.fromkeys(filter(None, word.outcomes)))
    became = Markup(f'<mark class="c{_COLOURS[word.outcome]}">{html.escape(word.new_text)}</mark>')
    restored = ""
    if word.restored is not None:
        right = "✓" if word.restored == word.tokens else "✗"
        restored = f"{''.join(word.restored).replace('##', '')} {right}"
    return [unit, word.text, became, hows, restored, candidates]


def lay_out(desk: Desk, say: Say) -> list[Choice]:
    """Lay the tab out."""
    import gradio as gr

    if desk.config.root is None and not desk.places.of("words"):
        nothing_here(say, "--tokens")
        return []
    with gr.Row():
        words = choose(desk, say("分词器（词表与近义词）", "Tokenizer (vocabulary and similar words)"), "words")
        encoder = choose(desk, say("编码器", "Encoder"), "encoder", empty=say("不用", "none"))
    with gr.Row():
        strategy = gr.Dropdown(list(STRATEGIES), value="mac", label=say("策略", "Strategy"))
        seed = gr.Number(0, precision=0, minimum=0, maximum=2**31, label=say("种子", "Seed"))
        epoch = gr.Number(0, precision=0, minimum=0, maximum=2**31, label=say("轮次", "Epoch"))
    limit = desk.config.max_characters
    text = gr.Textbox(EXAMPLE, lines=3, max_lines=12, max_length=limit, label=say("文本", "Text"))
    go = gr.Button(say("掩码", "Mask"), variant="primary")
    result = gr.HTML()

    def masked(*values: Any) -> str:
        return words_html(*inspect(desk, *values), say)

    inputs = [text, words.dropdown, encoder.dropdown, strategy, seed, epoch]
    go.click(told(masked, say), inputs, result, api_visibility="private")
    return [words, encoder]
