"""Which paths of Gradio's application exist here, what the browser may load, and the end of streams at the end."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from macbert.serving.guard import App, Message, Receive, Scope, Send, refuse
from macbert.studio.markup import LANGUAGES

# Gradio can serve files, take uploads, relay other servers and more. A page needs these and no others.
_READ = re.compile(
    r"/(zh|en)(/|/config|/theme\.css|/favicon\.ico|/(assets|static)/[\w.-][\w./-]*"
    r"|/gradio_api/(queue/data|startup-events|heartbeat/\w+))?",
    re.ASCII,
)
_WRITTEN = re.compile(r"/(zh|en)/gradio_api/(queue/join|cancel|reset)", re.ASCII)

# Nothing from another machine is loaded or sent to one, whatever a page's code would like. Gradio's own code needs
# eval: its HTML component makes a function of its template.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Door:
    """An ASGI application around Gradio's: 404 for every path that a page does not need.

    Args:
        app: Gradio's, mounted at /zh and /en.
        language: of the page that "/" leads to; "auto" for what the browser prefers.
    """

    def __init__(self, app: App, language: str) -> None:
        self._app = app
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, lead "/" to a page, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        if path == "/health":
            await _answer(held, 200, b'{"status": "ok"}', (b"content-type", b"application/json"))
        elif path == "/":
            headers = {name.lower(): value for name, value in scope["headers"]}
            language = self._language
            if language == "auto":
                language = preferred(headers.get(b"accept-language", b"").decode("latin-1"))
            await _answer(held, 307, b"", (b"location", f"/{language}/".encode()))
        elif ".." not in path and (_READ if method in ("GET", "HEAD") else _WRITTEN).fullmatch(path):
            await self._app(scope, receive, held)
        else:
            await refuse(held, 404, "there is no such page")


def preferred(accepted: str) -> str:
    """Return the language of a browser's Accept-Language: the one of ours that it names first.

    >>> preferred("de, zh-CN;q=0.8, en;q=0.5"), preferred("en-GB"), preferred("")
    ('zh', 'en', 'zh')
    """
    named = (part.strip()[:2].lower() for part in accepted.split(","))
    return next((language for language in named if language in LANGUAGES), "zh")


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


class Closing:
    """An ASGI application around all others whose endless answers end when the server is to stop.

    An open page holds a stream of events; without this a server would wait for every page to be closed.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End the streams; other answers are finished."""
        self._stopped.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; once it has come whole, a stopping server looks to it like a client that leaves."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = {"whole": False, "begun": False, "done": False}

        async def told() -> Message:
            if not state["whole"]:
                message = await receive()
                state["whole"] = not message.get("more_body", False)
                return message
            waits: list[asyncio.Task[Any]] = [
                asyncio.ensure_future(receive()),
                asyncio.ensure_future(self._stopped.wait()),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                return waits[0].result() if waits[0].done() else {"type": "http.disconnect"}
            finally:
                for wait in waits:
                    wait.cancel()

        async def seen(message: Message) -> None:
            state["begun"] |= message["type"] == "http.response.start"
            state["done"] |= message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        await self._app(scope, told, seen)
        if state["begun"] and not state["done"]:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
