"""HTML pages to text: what a reader of the page would read, without scripts, forms and navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from corpus.readers.compression import ByteStream
from corpus.readers.encoding import bom, detect_encoding
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record, TruncatedInput

_SKIPPED = frozenset(
    ["script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "svg", "button", "select"]
)
_BLOCKS = re.compile(
    "address|article|blockquote|body|br|dd|div|dl|dt|figcaption|h[1-6r]|li|main|ol|option|p|pre|section|table|t[dhr]|ul"
)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_-]{2,20})""", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")


def read_html(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the page's text as one record, with its title; a page over ``max_record_bytes`` is ``too_long``."""
    parts, size = [], 0
    try:
        while block := stream.read(1 << 20):
            size += len(block)
            if size > options.max_record_bytes:
                yield BadRecord("too_long", f"a page over {options.max_record_bytes} bytes", 1, 0)
                return
            parts.append(block)
    except TruncatedInput as error:
        yield BadRecord("truncated", str(error), 1, 0)
        return
    data = b"".join(parts)
    if not data.strip():
        return
    text, encoding = decode_page(data)
    facts.encodings[encoding] = facts.encodings.get(encoding, 0) + 1
    title, body = page_text(text)
    yield Record({options.text_key: body, **({"title": title} if title else {})}, 1, 0, 1)


def decode_page(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """Return a page's text and encoding: a BOM's, the one that its bytes mean, else the one that it declares.

    Declarations are asked last: a page that says gb2312 is often UTF-8 by now, and the bytes show it.
    """
    if (marked := bom(data)) is not None:
        return data[marked[1] :].decode(marked[0], "replace"), marked[0]
    encoding = detect_encoding(data)
    if encoding in ("utf-8", "gb18030", "big5hkscs"):
        text = data.decode(encoding, "replace")
        if text.count("\ufffd") * 100 <= len(text):
            return text, encoding
    match = _CHARSET.search(data[:4096])
    name = declared or (match[1].decode("ascii") if match else encoding)
    try:
        return data.decode(name, "replace"), name.lower()
    except LookupError:
        return data.decode(encoding, "replace"), encoding


def page_text(page: str) -> tuple[str, str]:
    """Return a page's title and its text, one block a line.

    >>> page_text("<title>新闻</title><nav>首页</nav><p>今天<b>天气</b>很好。</p><script>x()</script><p>完</p>")
    ('新闻', '今天天气很好。\\n完')
    """
    parser = _TextParser()
    parser.feed(page)
    parser.close()
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(parser.parts).split("\n"))
    return _SPACE.sub(" ", "".join(parser.title)).strip(), "\n".join(line for line in lines if line)


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title: list[str] = []
        self._skipping: list[str] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping.append(tag)
        elif tag == "title":
            self._in_title = True
        elif _BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._skipping:
            # A tag that was never closed ends with the one around it.
            del self._skipping[self._skipping.index(tag) :]
        elif tag == "title":
            self._in_title = False
        elif _BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        elif not self._skipping:
            self.parts.append(data.replace("\n", " "))
