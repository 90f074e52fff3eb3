"""What ``macbert serve`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.errors import UserError
from macbert.serving.listening import Listening


@dataclass(kw_only=True)
class ServeConfig(Listening):
    """Settings of the server."""

    model: str
    """Folder that macbert finetune or macbert export wrote."""

    task: str | None = None
    """What the model must be for; with "correct" a pretraining run will do."""

    host: str = "127.0.0.1"
    """Address to listen on. Any other than this machine's own demands a token, and TLS in front of it."""

    port: int = 8000
    """Port to listen on; 0 takes a free one and says which."""

    token_file: str | None = None
    """File whose first line is the token that clients must send (Authorization: Bearer TOKEN); or set MACBERT_TOKEN.
    Never a flag of its own: whoever lists the processes would read it."""

    allow_origins: list[str] = field(default_factory=list)
    """Origins of web pages that may call the server (https://example.org), besides its own."""

    max_body_bytes: int = 1_000_000
    """Longest body of a request, in bytes."""

    max_texts: int = 64
    """Most texts of a request."""

    max_characters: int = 100_000
    """Most characters of a request, all texts together."""

    max_pending_characters: int = 1_000_000
    """Most characters that wait for the model; a request beyond is refused with 503 at once."""

    timeout_seconds: float = 30.0
    """Longest time for a body to arrive, and for an answer."""

    max_batch_tokens: int = 4096
    """Tokens that go through the model at once."""

    max_batch_characters: int = 50_000
    """Characters of the requests that are answered together; a newcomer waits for these at most."""

    def __post_init__(self) -> None:
        limits = ("max_texts", "max_characters", "max_pending_characters", "max_batch_tokens", "max_batch_characters")
        if problems := self.broken_limits(*limits):
            raise UserError(*problems)
