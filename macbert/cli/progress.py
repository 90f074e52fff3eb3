"""Progress bars and log lines on the terminal's error stream; results go to standard output."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

Report = Callable[[str, int, int | None], None]

# A file or pipe has no width of its own: 80 columns would break the tables of the demo.
console = Console(width=None if sys.stdout.isatty() else 160)
_errors = Console(stderr=True)


@contextlib.contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Report | None]:
    """Yield a function ``(label, done, total)`` that draws one bar a label, or None when quiet."""
    if quiet:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=_errors.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def report(label: str, done: int, total: int | None) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total)
            bars.update(tasks[label], completed=done, total=total)

        yield report


@contextlib.contextmanager
def logging_to_terminal(*, quiet: bool) -> Iterator[None]:
    """Send log lines to the error stream, those of other libraries from warnings on; afterwards all is as before."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in ("macbert", "tokenizer", "corpus")]
    handlers, levels = list(root.handlers), [logger.level for logger in (root, *ours)]
    handler = RichHandler(console=_errors, show_path=False, show_level=False, markup=False)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for logger in ours:
        logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in zip((root, *ours), levels, strict=True):
            logger.setLevel(level)
