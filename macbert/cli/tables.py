"""Results as tables on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_tables(result: Any, console: Console) -> None:
    """Print a result's ``tables()``, if it has any, and then the lines of its ``summary()``."""
    for title, header, rows in result.tables() if hasattr(result, "tables") else []:
        table = Table(*header, title=title, title_justify="left")
        for row in rows:
            # Text, not str: a corpus may hold what rich would take for markup ("[/b]").
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    summary = Table(show_header=False, box=None, pad_edge=False)
    summary.add_column(no_wrap=True)
    summary.add_column(overflow="fold")  # a path is copied by people: never cut it with an ellipsis
    for label, value in result.summary():
        summary.add_row(Text(str(label)), Text(str(value)))
    console.print(summary)
