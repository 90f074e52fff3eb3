"""Where jobs run: in this process, in worker processes, or on a Ray cluster; the jobs are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from corpus.engine.jobs import run_job
from corpus.engine.local import run_in_processes

Engine = Callable[[str, Sequence[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]]
"""Runs a named function on each specification and yields (number, result) as they finish."""


def make_engine(name: str, workers: int) -> Engine:
    """Return the engine of a name (``local`` or ``ray``)."""
    if name == "ray":
        raise NotImplementedError
    if workers == 1:
        return _run_here
    return lambda function, specs: run_in_processes(function, specs, workers)


def _run_here(function: str, specs: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, spec in enumerate(specs):
        yield number, run_job(function, spec)
