"""``macbert serve``: load a model, listen, and end without losing a request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from corpus.errors import MissingExtra
from macbert.extraction.extractor import load_extractor
from macbert.serving.config import ServeConfig
from macbert.serving.listening import run_until_stopped

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServeResult:
    """What a server did in its time."""

    address: str
    """Where it was."""

    requests: int
    """Requests answered, refused ones included."""

    texts: int
    """Texts read."""

    seconds: float
    """From the first listening to the last answer."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        return [
            ("served", self.address),
            ("requests", f"{self.requests:,}"),
            ("texts", f"{self.texts:,}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return dict(vars(self))


def serve(config: ServeConfig, *, progress: Callable[[str, int, int | None], None] | None = None) -> ServeResult:
    """Serve a model until SIGTERM or Ctrl+C; then no new connection is taken, and every request that came is answered.

    Raises:
        MissingExtra: FastAPI or uvicorn is not installed.
        UserError: no such model, a port that is taken, or no token where one is demanded.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "macbert serve") from None
    from macbert.serving.app import build_app

    token = config.token()
    extractor = load_extractor(config.model, task=config.task)
    listener = config.listen()
    app, metrics = build_app(extractor, config, token)
    address = config.address(listener)
    logger.info("%s on %s (documentation: %s/docs); Ctrl+C ends", extractor.task, address, address)
    start = time.perf_counter()
    # A body may take its time, and then the answer.
    run_until_stopped(app, listener, grace_seconds=2 * int(config.timeout_seconds) + 2)
    return ServeResult(address, metrics.requests, metrics.texts, time.perf_counter() - start)
