"""``macbert studio``: build the pages, listen, and end when told."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from corpus.errors import MissingExtra
from macbert.serving.guard import Guard
from macbert.serving.listening import run_until_stopped
from macbert.serving.metrics import Metrics
from macbert.studio.config import StudioConfig
from macbert.studio.desk import Desk
from macbert.studio.door import Closing, Door

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10


@dataclass(frozen=True)
class StudioResult:
    """What a studio did in its time."""

    address: str
    """Where it was."""

    requests: int
    """Requests answered, refused ones included."""

    seconds: float
    """From the first listening to the end."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        return [
            ("studio", self.address),
            ("requests", f"{self.requests:,}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return dict(vars(self))


def studio(config: StudioConfig, *, progress: Callable[[str, int, int | None], None] | None = None) -> StudioResult:
    """Show the page until SIGTERM or Ctrl+C.

    Raises:
        MissingExtra: Gradio is not installed.
        UserError: a folder that is not what its flag says, a port that is taken, or no token where one is demanded.
    """
    token = config.token()
    desk = Desk(config)
    listener = config.listen()
    # Before Gradio is imported, which reads them then: it would report each start, and ask for its newest version.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import gradio  # noqa: F401
        from fastapi import FastAPI
    except ImportError as error:
        listener.close()
        raise MissingExtra(error.name or "gradio", "studio", "macbert studio") from None
    from macbert.studio.page import mounted

    app = mounted(FastAPI(docs_url=None, redoc_url=None, openapi_url=None), desk)
    metrics = Metrics()
    closing = Closing(Guard(Door(app, config.language), config, token, metrics))
    address = config.address(listener)
    logger.info("studio on %s (/zh/, /en/); Ctrl+C ends", address)
    start = time.perf_counter()
    run_until_stopped(closing, listener, grace_seconds=GRACE_SECONDS, stopping=closing.stop)
    return StudioResult(address, metrics.requests, time.perf_counter() - start)
