"""What every server of ours has: an address, a token where others reach it, limits, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import read_text

TOKEN_VARIABLE = "MACBERT_TOKEN"
TOKEN_LENGTH = 16
"""Fewest characters of a token: shorter ones can be guessed over the network."""


class Listening:
    """What a server's configuration can do with the fields that say where it listens and whom it answers."""

    host: str
    port: int
    token_file: str | None
    allow_origins: list[str]
    max_body_bytes: int
    timeout_seconds: float

    def broken_limits(self, *names: str) -> list[Problem]:
        """Return what is wrong with port, time limit, origins and these further fields, each a number of 1 or more."""
        problems = []
        least = {"port": 0, "timeout_seconds": 0.01}
        for name in ("port", "max_body_bytes", "timeout_seconds", *names):
            value, smallest = getattr(self, name), least.get(name, 1)
            if not value >= smallest or (name == "port" and value > 65535):
                expected = "a number from 0 to 65535" if name == "port" else f"a number >= {smallest}"
                problems.append(Problem(f"--{name.replace('_', '-')}", expected, str(value), "mend the value"))
        for origin in self.allow_origins:
            scheme, separator, rest = origin.partition("://")
            if scheme not in ("http", "https") or not separator or not rest or "/" in rest or "*" in rest:
                fix = "name every origin whole, without a path: https://example.org"
                problems.append(Problem("--allow-origins", "an origin", f"'{origin[:60]}'", fix))
        return problems

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def token(self) -> str | None:
        """Return the token that clients must send, or None.

        Raises:
            UserError: none where one is demanded, one that is too short, or a file that cannot be read.
        """
        where, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE)
        if self.token_file is not None:
            where, token = self.token_file, next(iter(read_text(self.token_file, "a token").splitlines()), "").strip()
        if token is None:
            if not self.is_loopback:
                fix = f"give --token-file or set {TOKEN_VARIABLE}, or listen on 127.0.0.1"
                raise UserError.at("--host", expected="a token to listen beyond this machine", found="none", fix=fix)
            return None
        if len(token) < TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
            fix = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            expected = f"a token of {TOKEN_LENGTH} or more ASCII characters without spaces"
            raise UserError.at(where, expected=expected, found=f"{len(token)} characters", fix=fix)
        return token

    def listen(self) -> socket.socket:
        """Return a bound socket.

        Raises:
            UserError: the address is none of this machine's, or the port is taken or needs more rights.
        """
        try:
            places = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, kind, protocol, _, place = places[0]
            listener = socket.socket(family, kind, protocol)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        except socket.gaierror as error:
            raise UserError.at(
                "--host", expected="an address of this machine", found=self.host, fix=str(error.strerror)
            ) from None
        try:
            listener.bind(place)
            listener.listen(1024)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRNOTAVAIL:
                fix = "give 127.0.0.1, or an address that this machine has"
                raise UserError.at("--host", expected="an address of this machine", found=self.host, fix=fix) from None
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                found = "one in use" if error.errno == errno.EADDRINUSE else "one that needs more rights"
                fix = "choose another --port (0 takes a free one)"
                raise UserError.at("--port", expected="a free port", found=f"{self.port}, {found}", fix=fix) from None
            raise
        return listener

    def address(self, listener: socket.socket) -> str:
        """Return where a bound socket is reached: ``http://127.0.0.1:8000``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{listener.getsockname()[1]}"


def run_until_stopped(
    app: Any, listener: socket.socket, *, grace_seconds: int, stopping: Callable[[], None] = lambda: None
) -> None:
    """Serve an ASGI application until SIGTERM or Ctrl+C, and close the socket.

    Args:
        app: the application.
        listener: a bound socket.
        grace_seconds: time for the requests that have come to be answered.
        stopping: called in the event loop's thread when the signal comes.
    """
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, number: int, frame: Any) -> None:
            stopping()
            super().handle_exit(number, frame)

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
            timeout_graceful_shutdown=grace_seconds,
        )
    )
    with contextlib.closing(listener):
        asyncio.run(server.serve(sockets=[listener]))
