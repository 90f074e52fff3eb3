"""Where jobs run: in this process, in worker processes, or on a Ray cluster; the jobs are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol

from corpus.engine.local import LocalEngine


class Engine(Protocol):
    """Runs a named function on each specification and yields (number, result) as they finish."""

    def __call__(self, function: str, specs: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]: ...

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_engine(name: str, workers: int, address: str | None = None) -> Engine:
    """Return the engine of a name, ``local`` or ``ray``; use it in ``with`` to keep its workers between calls.

    Raises:
        MissingExtra: Ray is asked for and not installed.
        UserError: there is no Ray cluster at the address.
    """
    if name == "ray":
        from corpus.engine.ray_cluster import RayEngine

        return RayEngine(address, workers)
    return LocalEngine(workers)
