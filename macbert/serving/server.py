"""``macbert serve``: load a model, listen, and end without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from corpus.errors import MissingExtra, UserError
from macbert.extraction.extractor import load_extractor
from macbert.serving.config import ServeConfig

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
        import uvicorn
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "macbert serve") from None
    from macbert.serving.app import build_app

    token = config.token()
    extractor = load_extractor(config.model, task=config.task)
    listener = _listen(config)
    app, metrics = build_app(extractor, config, token)
    host = f"[{config.host}]" if ":" in config.host else config.host
    address = f"http://{host}:{listener.getsockname()[1]}"

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # uvicorn's own raises the signal again after a clean end; a clean end is exit code 0 here.
            before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            ws="none",
            timeout_keep_alive=30,
            # A body may take its time, and then the answer.
            timeout_graceful_shutdown=2 * int(config.timeout_seconds) + 2,
        )
    )
    logger.info("%s on %s (documentation: %s/docs); Ctrl+C ends", extractor.task, address, address)
    start = time.perf_counter()
    with contextlib.closing(listener):
        asyncio.run(server.serve(sockets=[listener]))
    return ServeResult(address, metrics.requests, metrics.texts, time.perf_counter() - start)


def _listen(config: ServeConfig) -> socket.socket:
    """Return a bound socket.

    Raises:
        UserError: the address is none of this machine's, or the port is taken or needs more rights.
    """
    try:
        places = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = places[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except socket.gaierror as error:
        raise UserError.at(
            "--host", expected="an address of this machine", found=config.host, fix=str(error.strerror)
        ) from None
    try:
        listener.bind(place)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            fix = "give 127.0.0.1, or an address that this machine has"
            raise UserError.at("--host", expected="an address of this machine", found=config.host, fix=fix) from None
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            found = "one in use" if error.errno == errno.EADDRINUSE else "one that needs more rights"
            fix = "choose another --port (0 takes a free one)"
            raise UserError.at("--port", expected="a free port", found=f"{config.port}, {found}", fix=fix) from None
        raise
    return listener
