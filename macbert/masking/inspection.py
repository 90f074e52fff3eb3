"""What masking made of a text, word by word: as data, as JSON, and in colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from macbert.masking.counts import MaskingCounts

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

OUTCOMES = ("", "similar", "random", "kept", "masked", "fallback")

_STYLES = {
    "similar": "bold green",
    "random": "bold magenta",
    "kept": "bold cyan",
    "masked": "bold yellow",
    "fallback": "bold red",
}

_MEANINGS = {
    "similar": "similar word",
    "random": "random word",
    "kept": "kept, predicted",
    "masked": "[MASK]",
    "fallback": "no similar word: random",
}


@dataclass
class InspectedWord:
    """One word of the text, and what became of it."""

    text: str
    """As it stands in the text."""

    start: int
    end: int
    """Half-open character span in the text."""

    tokens: list[str]
    unit: int | None
    """Number of its n-gram, from 1 in each row; None: never chosen (punctuation, symbols, [UNK])."""

    drawn_n: int | None
    """n that was drawn for that unit; at an edge it has fewer words."""

    outcomes: list[str]
    """Of each token: similar, random, kept, masked, fallback (no similar word: random), or "" (not chosen)."""

    replacement: list[str]
    """The tokens that stand there after masking."""

    new_text: str
    """The replacement without ``##``; the word itself where nothing was replaced."""

    similar: list[tuple[str, float]] = field(default_factory=list)
    """Candidates that the draw was from, with their cosines (chosen words only)."""

    restored: list[str] | None = None
    """The model's first guess at each token (chosen words only, with a model)."""

    row: int = 0
    """Row of the text that it stands in: a long text takes several."""

    @property
    def chosen(self) -> bool:
        """Whether it is predicted."""
        return any(self.outcomes)

    @property
    def outcome(self) -> str:
        """What became of its first chosen token."""
        return next(filter(None, self.outcomes), "")


@dataclass
class Inspection:
    """What ``macbert tokenizer inspect`` found."""

    text: str
    strategy: str
    seed: int
    epoch: int
    words: list[InspectedWord]
    counts: MaskingCounts

    @property
    def masked_text(self) -> str:
        """The text as the model sees it, words replaced; case and spaces of untouched words are the text's."""
        pieces, place = [], 0
        for word in self.words:
            pieces += [self.text[place : word.start], word.new_text if word.replacement != word.tokens else word.text]
            place = word.end
        return "".join([*pieces, self.text[place:]])

    @property
    def restored(self) -> tuple[int, int] | None:
        """(tokens that the model guesses right, tokens chosen), or None without a model."""
        chosen = [
            (token, guess)
            for word in self.words
            if word.restored is not None
            for token, guess, outcome in zip(word.tokens, word.restored, word.outcomes, strict=True)
            if outcome
        ]
        return (sum(token == guess for token, guess in chosen), len(chosen)) if chosen else None

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "text": self.text,
            "masked_text": self.masked_text,
            "strategy": self.strategy,
            "seed": self.seed,
            "epoch": self.epoch,
            "words": [dataclasses.asdict(word) | {"chosen": word.chosen} for word in self.words],
            "counts": self.counts.as_json(),
            "restored": list(self.restored) if self.restored else None,
        }

    def summary(self) -> list[tuple[str, str]]:
        """Return (label, value) lines."""
        counts = self.counts
        lines = [
            ("strategy", f"{self.strategy}, seed {self.seed}, epoch {self.epoch}"),
            ("words", f"{len(self.words)} words, {counts.tokens} tokens"),
            ("budget", f"{counts.chosen} of {counts.budget} tokens chosen, {counts.unfilled} unfilled"),
        ]
        if self.restored:
            lines.append(("restored", "{} of {} tokens".format(*self.restored)))
        return lines

    def lines(self) -> list[str]:
        """Return the screen's lines, in colour where standard output is a terminal."""
        from rich.console import Console

        console = Console()
        with console.capture() as capture:
            console.print(self)
        return capture.get().splitlines()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        legend = Text("  ").join(Text(_MEANINGS[kind], style) for kind, style in _STYLES.items() if self._has(kind))
        yield from (self._units(), legend, Text())
        table = Table("unit", "word", "became", "how", "drawn from", box=None, pad_edge=False, header_style="dim")
        if self.restored:
            table.add_column("restored")
        for word in self.words:
            if word.chosen:
                table.add_row(*self._row(word))
        yield table
        yield Text()
        facts = Table.grid(padding=(0, 2))
        for label, value in self.summary():
            facts.add_row(Text(label, "dim"), value)
        yield facts

    def _has(self, kind: str) -> bool:
        return any(kind in word.outcomes for word in self.words)

    def _units(self) -> Any:
        """Return the words, those of one unit joined by ·, chosen ones as original→replacement."""
        from rich.text import Text

        shown = Text()
        last: tuple[int, int | None] | None = None
        for word, text in zip(self.words, self._shown_texts(), strict=True):
            here = (word.row, word.unit)
            shown.append("·" if word.unit is not None and here == last else " ", "dim")
            last = here
            if not word.chosen:
                shown.append(text, "" if word.unit else "dim")
                continue
            style = _STYLES[word.outcome]
            if word.replacement == word.tokens:
                shown.append(text, style)
            else:
                shown.append(text, "strike dim").append("→", "dim").append(word.new_text, style)
        return shown

    def _shown_texts(self) -> Iterator[str]:
        for word in self.words:
            yield " ".join(word.text.split()) or word.text

    def _row(self, word: InspectedWord) -> list[Any]:
        from rich.text import Text

        style = _STYLES[word.outcome]
        hows = [_MEANINGS[outcome] for outcome in dict.fromkeys(filter(None, word.outcomes))]
        drawn_from = " ".join(f"{other} {cosine:.2f}" for other, cosine in word.similar[:5])
        cells: list[Any] = [
            f"{word.unit} (n={word.drawn_n})",
            word.text,
            Text(word.new_text, style),
            Text(", ".join(hows), style),
            Text(drawn_from, "dim"),
        ]
        if word.restored is not None:
            right = word.restored == word.tokens
            cells.append(Text("".join(word.restored).replace("##", ""), "green" if right else "red"))
        return cells
