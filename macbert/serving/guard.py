"""What is refused before a request is read: foreign pages, wrong names, missing tokens, huge or endless bodies."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from macbert.serving.listening import Listening
from macbert.serving.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/health", "/docs", "/openapi.json")
"""What tells nothing of models or texts, and needs no token."""

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """An ASGI application around another one.

    A web page of somebody else's can make a browser send requests to this machine. It cannot hide its ``Origin``, nor,
    where it had its own name resolve to this machine, the ``Host``: both are looked at.
    """

    def __init__(self, app: App, config: Listening, token: str | None, metrics: Metrics) -> None:
        self._app = app
        self._config = config
        self._token = token
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or read its body whole and pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), [0]

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        self._metrics.in_flight += 1
        try:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            refusal = self._refusal(scope, headers) or await self._pass_on(scope, headers, receive, counted)
            if refusal is not None:
                await refuse(counted, *refusal)
        finally:
            self._metrics.in_flight -= 1
            self._metrics.answered(status[0], time.perf_counter() - start)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._config.is_loopback and host_name(host) not in (*LOOPBACK_NAMES, self._config.host):
            return 421, "this server answers to its own name only"
        origin = headers.get("origin")
        own = {f"{scope.get('scheme', 'http')}://{host}", *self._config.allow_origins}
        if origin is not None and origin not in own:
            return 403, "pages of this origin may not call the server (--allow-origins)"
        if self._token is not None and scope["path"] not in OPEN_PATHS:
            given = given_token(headers.get("authorization", ""))
            if not hmac.compare_digest(given, self._token.encode()):
                return 401, "send the token: Authorization: Bearer TOKEN, or Basic with the token as password"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > self._config.max_body_bytes:
            return 413, f"a body has at most {self._config.max_body_bytes} bytes"
        return None

    async def _pass_on(
        self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send
    ) -> tuple[int, str] | None:
        """Call the application with the whole body; return a refusal where none comes, or too much."""
        body = bytearray()
        deadline = asyncio.get_running_loop().time() + self._config.timeout_seconds
        more = True
        while more:
            left = deadline - asyncio.get_running_loop().time()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0))
            except TimeoutError:
                return 408, f"the body did not come within {self._config.timeout_seconds:g} seconds"
            if message["type"] != "http.request":
                return None  # the client is gone
            body += message.get("body", b"")
            if len(body) > self._config.max_body_bytes:
                return 413, f"a body has at most {self._config.max_body_bytes} bytes"
            more = message.get("more_body", False)
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)
        return None


async def refuse(send: Send, status: int, reason: str) -> None:
    """Answer with a reason, and close the connection: an unread body may still be on its way."""
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))
    if status == 401:
        # A program sends Bearer; a browser asks its user, and sends the password with every request to this server.
        headers += [(b"www-authenticate", b'Basic realm="macbert", charset="UTF-8"'), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def given_token(authorization: str) -> bytes:
    """Return the token of an Authorization header: behind Bearer, or as the password of Basic; else nothing.

    >>> given_token("Bearer abc"), given_token("Basic " + base64.b64encode(b"anyone:abc").decode()), given_token("abc")
    (b'abc', b'abc', b'')
    """
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.encode("utf-8", "replace")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""


def host_name(host: str) -> str:
    """Return a Host header without its port.

    >>> [host_name(host) for host in ("localhost:8000", "[::1]:8000", "127.0.0.1")]
    ['localhost', '[::1]', '127.0.0.1']
    """
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()
