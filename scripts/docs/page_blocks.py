"""The code blocks of a page, in order: what language each is in, and why one does not run on a test's machine.

A block runs unless the line above it says why not:

    <!-- not run: stays until it is stopped -->
    ```bash
    macbert serve --model runs/ner
    ```
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

RUNNABLE = ("bash", "python")
"""Languages whose blocks are run; the others show data or a screen."""

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_REASON = re.compile(r"<!-- not run: (?P<reason>[^\n]+?) -->\n\s*\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    """File name of its page."""

    line: int
    """Line of its fence, from 1."""

    language: str
    """As the fence names it; "" where it names none."""

    code: str
    """Without the fence's indentation."""

    reason: str | None
    """Why it does not run, or None."""

    @property
    def runs(self) -> bool:
        """Whether a test runs it."""
        return self.language in RUNNABLE and self.reason is None


def page_blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    return text_blocks(path.read_text(encoding="utf-8"), path.name)


def text_blocks(text: str, page: str = "") -> list[Block]:
    """Return the fenced blocks of a page's text.

    >>> block = "```bash\\nls\\n```\\n"
    >>> [block.runs for block in text_blocks(f"{block}<!-- not run: takes hours -->\\n{block}")]
    [True, False]
    """
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match["indent"])
        code = "".join(line[indent:] or "\n" for line in match["code"].splitlines(keepends=True))
        above = _REASON.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match["language"], code, above["reason"] if above else None))
    return found
