"""WARC files (crawled pages) and WET files (their text), record by record (ISO 28500)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from corpus.readers.compression import ByteStream
from corpus.readers.html_pages import decode_page, page_text
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record, TruncatedInput

_BLOCK = 1 << 20
_MAX_HEADER = 1 << 16


def read_warc(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the text of ``response`` records that are HTML or plain text and of ``conversion`` records (WET).

    The record's URI and date become ``url`` and ``date``. Other records (requests, metadata, images) are no documents
    and are not counted.
    """
    source = _Source(stream)
    count = 0
    while True:
        offset = source.offset
        try:
            headers = source.headers()
        except TruncatedInput as error:
            yield BadRecord("truncated", str(error), None, offset)
            return
        if headers is None:
            return
        try:
            length = int(headers.get("content-length", ""))
        except ValueError:
            yield BadRecord("broken_warc", "a record without a Content-Length", None, offset)
            return
        kind = headers.get("warc-type", "")
        wanted = kind == "conversion" or (kind == "response" and "http" in headers.get("content-type", ""))
        try:
            body = source.take(length, keep=wanted and length <= options.max_record_bytes)
        except TruncatedInput as error:
            yield BadRecord("truncated", str(error), None, offset)
            return
        if not wanted:
            continue
        count += 1
        if length > options.max_record_bytes:
            yield BadRecord("too_long", f"a record of {length} bytes", None, offset)
            continue
        fields = {"url": headers.get("warc-target-uri", "").strip("<>"), "date": headers.get("warc-date", "")}
        page = _http_body(body) if kind == "response" else (body, "text/plain", None)
        if page is None:
            yield BadRecord("broken_http", "a response that is not complete HTTP", None, offset)
            continue
        data, content_type, charset = page
        if "html" not in content_type and "text/plain" not in content_type:
            count -= 1
            continue
        text, encoding = decode_page(data, charset)
        facts.encodings[encoding] = facts.encodings.get(encoding, 0) + 1
        if "html" in content_type:
            title, text = page_text(text)
            fields |= {"title": title} if title else {}
        yield Record({"id": headers.get("warc-record-id", ""), options.text_key: text, **fields}, None, offset, count)


class _Source:
    """A stream read by lines and by lengths, which knows where it is."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream, self._held, self.offset = stream, b"", 0

    def _more(self) -> bool:
        block = self._stream.read(_BLOCK)
        self._held += block
        return bool(block)

    def headers(self) -> dict[str, str] | None:
        """Return a record's named fields, or None at the end of the file."""
        while not self._held.lstrip(b"\r\n"):
            self.offset += len(self._held)
            self._held = b""
            if not self._more():
                return None
        blank = len(self._held) - len(self._held.lstrip(b"\r\n"))
        self._held, self.offset = self._held[blank:], self.offset + blank
        while b"\r\n\r\n" not in self._held[:_MAX_HEADER]:
            if len(self._held) > _MAX_HEADER or not self._more():
                raise TruncatedInput("a record's header is cut or is none")
        head, self._held = self._held.split(b"\r\n\r\n", 1)
        self.offset += len(head) + 4
        lines = head.decode("utf-8", "replace").split("\r\n")
        if not lines[0].startswith("WARC/"):
            raise TruncatedInput("this is no WARC record")
        pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
        return {name.strip().lower(): value.strip() for name, value in pairs}

    def take(self, length: int, *, keep: bool) -> bytes:
        """Return the next bytes, or pass over them without holding them."""
        parts, left = [], length
        while left:
            if not self._held and not self._more():
                raise TruncatedInput("a record is shorter than its Content-Length")
            part, self._held = self._held[:left], self._held[left:]
            left -= len(part)
            self.offset += len(part)
            if keep:
                parts.append(part)
        return b"".join(parts)


def _http_body(message: bytes) -> tuple[bytes, str, str | None] | None:
    """Return an HTTP response's body decoded, its content type and declared charset."""
    head, found, body = message.partition(b"\r\n\r\n")
    if not found or not head.startswith(b"HTTP/"):
        return None
    pairs = (line.split(":", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = _join_chunks(body)
        if (encoding := headers.get("content-encoding", "").lower()) in ("gzip", "deflate", "x-gzip"):
            body = zlib.decompressobj(wbits=47 if "gzip" in encoding else -15).decompress(body, 1 << 26)
    except (ValueError, zlib.error):
        return None
    content_type = headers.get("content-type", "text/html").lower()
    charset = content_type.partition("charset=")[2].split(";")[0].strip("\"' ") or None
    return body, content_type, charset


def _join_chunks(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)
