"""What ``macbert studio`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from corpus.errors import Problem, UserError
from macbert.chatie.config import ChatSettings
from macbert.serving.listening import Listening


@dataclass(kw_only=True)
class StudioConfig(Listening):
    """Settings of the page. It opens the folders named here and no others."""

    root: str | None = None
    """Folder to look through for corpora, tokens, runs and models (four levels deep, links not followed)."""

    corpus: list[str] = field(default_factory=list)
    """Corpus folders (macbert corpus build)."""

    tokens: list[str] = field(default_factory=list)
    """Folders with a tokenizer: token documents, tokenizer folders, runs or models."""

    run: list[str] = field(default_factory=list)
    """Runs, finished or not: of pretraining, or of fine-tuning."""

    model: list[str] = field(default_factory=list)
    """Fine-tuned or exported models, and encoders."""

    chatie: str | None = None
    """Name of a model at an OpenAI-compatible server, asked beside the fine-tuned one."""

    endpoint: ChatSettings = field(default_factory=ChatSettings)
    """How that model is reached and asked."""

    language: Literal["auto", "zh", "en"] = "auto"
    """Of the page that "/" leads to; auto: what the browser prefers. Every page has a link to the other one."""

    host: str = "127.0.0.1"
    """Address to listen on. Any other than this machine's own demands a token, and TLS in front of it."""

    port: int = 7860
    """Port to listen on; 0 takes a free one and says which."""

    token_file: str | None = None
    """File whose first line is the token: the browser asks for it as a password (of any user name); or set
    MACBERT_TOKEN. Never a flag of its own: whoever lists the processes would read it."""

    allow_origins: list[str] = field(default_factory=list)
    """Origins of the page besides its own, where a proxy gives it another name (https://studio.example.org)."""

    max_body_bytes: int = 200_000
    """Longest body of a request, in bytes."""

    max_characters: int = 5_000
    """Longest text that is read."""

    timeout_seconds: float = 30.0
    """Longest time for a body to arrive."""

    def __post_init__(self) -> None:
        problems = self.broken_limits("max_characters")
        if not (self.root or self.corpus or self.tokens or self.run or self.model):
            fix = "such as --root . or --model runs/ner"
            problems.append(Problem("--root, --corpus, --tokens, --run, --model", "something to open", "none", fix))
        if self.chatie is not None and self.endpoint.mode == "oracle":
            fix = "leave it out: a text that is typed has no gold"
            problems.append(Problem("--endpoint.mode", "two-stage or single", "oracle", fix))
        if problems:
            raise UserError(*problems)
