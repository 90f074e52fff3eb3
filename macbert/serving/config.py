"""What ``macbert serve`` can be told."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field

from corpus.errors import Problem, UserError
from corpus.files import read_text

TOKEN_VARIABLE = "MACBERT_TOKEN"
TOKEN_LENGTH = 16
"""Fewest characters of a token: shorter ones can be guessed over the network."""


@dataclass(kw_only=True)
class ServeConfig:
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
        problems = []
        least = {"port": 0, "timeout_seconds": 0.01}
        for name in (
            "port",
            "max_body_bytes",
            "max_texts",
            "max_characters",
            "max_pending_characters",
            "timeout_seconds",
            "max_batch_tokens",
            "max_batch_characters",
        ):
            value, smallest = getattr(self, name), least.get(name, 1)
            if not value >= smallest or (name == "port" and value > 65535):
                expected = "a number from 0 to 65535" if name == "port" else f"a number >= {smallest}"
                problems.append(Problem(f"--{name.replace('_', '-')}", expected, str(value), "mend the value"))
        for origin in self.allow_origins:
            scheme, separator, rest = origin.partition("://")
            if scheme not in ("http", "https") or not separator or not rest or "/" in rest or "*" in rest:
                fix = "name every origin whole, without a path: https://example.org"
                problems.append(Problem("--allow-origins", "an origin", f"'{origin[:60]}'", fix))
        if problems:
            raise UserError(*problems)

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
