"""Draw docs/concepts/masking.svg: what each strategy makes of the paper's sentence, as the real masking code has it.

python scripts/docs/masking_figure.py [--output FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from macbert.masking.config import InspectConfig
from macbert.masking.inspect import inspect_text
from macbert.masking.inspection import InspectedWord
from tokenizer.config import SimilarConfig
from tokenizer.similar import build_similar

OUTPUT = Path(__file__).resolve().parents[2] / "docs" / "concepts" / "masking.svg"
TEXT = "使用语言模型来预测下一个词的概率。"
SYNONYMS = ("使用 应用", "语言 语法", "模型 建模", "预测 预见", "一个 某个", "概率 几率")
"""Similar words of the picture; all but the first and the fifth are the paper's own (Cui et al. 2021, table II)."""
OTHERS = ("苹果", "河流", "音乐", "走", "山", "高")
"""Words that a random draw can give besides those above."""
SEED = 479
FRACTION = 0.45
"""Far above the 0.15 of training, so that one sentence shows every outcome."""

STRATEGIES = ("mlm", "wwm", "wwm+ngram", "random", "mac")
CELL, ROW, LEFT, TOP = 42, 46, 150, 46
COLOURS = {"similar": "#a9dfbf", "random": "#f5b7d2", "kept": "#aed6f1", "masked": "#f9e39f", "fallback": "#f5b7d2"}
LEGEND = (("similar", "近义词 similar"), ("random", "随机词 random"), ("kept", "保留原词 kept"), ("masked", "[MASK]"))
GREY = "#7d8590"


def write_tokenizer(folder: Path) -> None:
    """Write a vocabulary of the picture's characters, a lexicon, and the table of similar words."""
    words = [word for line in SYNONYMS for word in line.split()] + list(OTHERS)
    characters = dict.fromkeys(TEXT + "".join(words))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join([*special, *characters]) + "\n", encoding="utf-8")
    thesaurus = folder / "thesaurus.txt"
    lines = [f"Aa{number:02}A01= {line}" for number, line in enumerate(SYNONYMS, 1)]
    thesaurus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    build_similar(SimilarConfig(tokenizer=str(folder), thesaurus=str(thesaurus), output=str(folder / "similar")))
    lexicon = "".join(f"{word}\t{len(words) - rank}\n" for rank, word in enumerate(words))
    (folder / "similar" / "lexicon.tsv").write_text(lexicon, encoding="utf-8")


def masked_words(strategy: str, folder: Path) -> list[InspectedWord]:
    """Return the sentence's words with what became of each."""
    place = str(folder / "similar")
    config = InspectConfig(text=TEXT, tokenizer=place, strategy=strategy, mlm_probability=FRACTION, seed=SEED)
    return inspect_text(config).words


def cells(words: list[InspectedWord]) -> Iterator[tuple[str, str, str]]:
    """Yield each token before and after, and its outcome."""
    for word in words:
        yield from zip(word.tokens, word.replacement, word.outcomes, strict=True)


def text_at(x: float, y: float, text: str, *, size: int = 18, colour: str = "#1b2430", anchor: str = "middle") -> str:
    """Return one text element."""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def box(column: int, row: int, width: int, fill: str) -> str:
    """Return the box of ``width`` tokens."""
    x, y = LEFT + column * CELL + 2, TOP + row * ROW + 4
    return f'<rect x="{x}" y="{y}" width="{width * CELL - 4}" height="{ROW - 8}" rx="6" fill="{fill}" stroke="{GREY}"/>'


def draw(folder: Path) -> str:
    """Return the picture as SVG."""
    by_strategy = {strategy: masked_words(strategy, folder) for strategy in STRATEGIES}
    words = by_strategy["mac"]
    parts = []

    def label(row: int, text: str) -> None:
        parts.append(text_at(LEFT - 10, TOP + row * ROW + 29, text, size=15, colour=GREY, anchor="end"))

    label(0, "原文 text")
    column = 0
    for word in words:
        parts.append(box(column, 0, len(word.tokens), "#eef1f4"))
        for offset, token in enumerate(word.tokens):
            parts.append(text_at(LEFT + (column + offset + 0.5) * CELL, TOP + 29, token))
        column += len(word.tokens)
    parts += units(words)
    label(1, "n-gram")
    for row, strategy in enumerate(STRATEGIES, 2):
        label(row, strategy)
        for column, (_, after, outcome) in enumerate(cells(by_strategy[strategy])):
            parts.append(box(column, row, 1, COLOURS.get(outcome, "#ffffff")))
            shown, size = ("[M]", 13) if after == "[MASK]" else (after, 18)
            parts.append(text_at(LEFT + (column + 0.5) * CELL, TOP + row * ROW + 29, shown, size=size))
    last = len(STRATEGIES) + 2
    label(last, "mac: 标签 labels")
    for column, (before, _, outcome) in enumerate(cells(words)):
        parts.append(box(column, last, 1, "#eef1f4" if outcome else "#ffffff"))
        parts.append(text_at(LEFT + (column + 0.5) * CELL, TOP + last * ROW + 29, before if outcome else "·"))
    width, height = LEFT + len(list(cells(words))) * CELL + 20, TOP + (last + 1) * ROW + 20
    for number, (outcome, name) in enumerate(LEGEND):
        x = LEFT + number * 170
        parts.append(f'<rect x="{x}" y="12" width="22" height="22" rx="4" fill="{COLOURS[outcome]}" stroke="{GREY}"/>')
        parts.append(text_at(x + 30, 29, name, size=15, colour=GREY, anchor="start"))
    font = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="{font}" role="img">'
    return "\n".join([head, f"<title>Masking {escape(TEXT)}</title>", *parts, "</svg>", ""])


def units(words: list[InspectedWord]) -> Iterator[str]:
    """Yield the brackets of the n-gram units."""
    column, row_y = 0, TOP + ROW
    spans: dict[int, list[int]] = {}
    drawn: dict[int, int] = {}
    for word in words:
        if word.unit is not None:
            spans.setdefault(word.unit, []).extend((column, column + len(word.tokens)))
            drawn[word.unit] = word.drawn_n or 0
        column += len(word.tokens)
    for unit, places in spans.items():
        low, high = LEFT + min(places) * CELL + 5, LEFT + max(places) * CELL - 5
        yield f'<path d="M{low} {row_y + 4}v6H{high}v-6" fill="none" stroke="{GREY}" stroke-width="2"/>'
        yield text_at((low + high) / 2, row_y + 30, f"n={drawn[unit]}", size=14, colour=GREY)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer(Path(folder))
        output.write_text(draw(Path(folder)), encoding="utf-8")
    print(output)


if __name__ == "__main__":
    main()
