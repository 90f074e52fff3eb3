"""What ``macbert chatie``, and the chat arm of ``macbert evaluate``, can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from corpus.errors import Problem, UserError
from macbert.config.rules import broken_rules
from macbert.finetuning.config import EvaluateConfig

ChatTask = Literal["ner", "relation", "event"]


@dataclass(kw_only=True)
class ChatSettings:
    """How a chat model is reached and asked. The key is read from the environment and from nowhere else."""

    base_url: str | None = None
    """Address of an OpenAI-compatible server, such as http://localhost:8000/v1; default: OPENAI_BASE_URL, else
    OpenAI's own."""

    api_key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable with the key (never the key itself); unset: no key is sent."""

    mode: Literal["two-stage", "single", "oracle"] = "two-stage"
    """two-stage: first which labels occur, then one question for each; single: all in one question; oracle: the labels
    that occur are taken from the gold, so that only the second stage is judged."""

    style: Literal["json", "paper"] = "json"
    """json: answers as JSON, held to a schema where the server can; paper: tuples, lists and tables as in ChatIE."""

    language: Literal["auto", "zh", "en"] = "auto"
    """Of the prompts; auto: zh where most letters of the texts are Chinese."""

    response_format: Literal["auto", "json_schema", "json_object", "text"] = "auto"
    """What the server is asked to hold its answers to (style json); auto begins with json_schema and steps down where
    the server refuses."""

    schema: str | None = None
    """The labels, as a file or JSON (DuIE's and DuEE's schema files, UIE's form, a list of names); default: the labels
    that occur in --data."""

    triggers: bool = False
    """Ask for the trigger words of events too."""

    history: Literal["stage-one", "all"] = "stage-one"
    """What a question of the second stage stands after: the first stage alone, or all turns before it, as in ChatIE
    (costs more tokens)."""

    temperature: float = 0.0
    """Randomness of the answers."""

    seed: int = 0
    """Sent to the server, for those that can repeat an answer."""

    max_tokens: int = 1024
    """Longest answer, in tokens; a cut one is read as far as it goes and counted."""

    timeout: float = 60.0
    """Seconds to wait for an answer."""

    max_retries: int = 5
    """Further tries after a time-out, a dropped connection, HTTP 408, 409, 429 or 5xx, or a page in place of an answer;
    then the question counts as failed."""

    backoff: float = 1.0
    """Seconds before the first further try, doubled each time up to a minute; a server's Retry-After comes first."""

    max_failures: int = 10
    """Questions in a row that may fail before the run stops; what was answered stays in the cache."""

    concurrency: int = 4
    """Texts asked about at once."""

    cache: str = "runs/chatie"
    """Folder of the answers, by hash of model, messages and settings: an answer is paid once, and a run that was killed
    goes on. Its answers.jsonl is also the transcript."""

    limit: int | None = None
    """Only the first so many texts, to try out what a run will cost."""

    def __post_init__(self) -> None:
        problems = broken_rules(
            self,
            [
                ("temperature", "a number from 0 to 2", 0 <= self.temperature <= 2),
                ("max_tokens", "at least 1", self.max_tokens >= 1),
                ("timeout", "seconds above 0", 0 < self.timeout < math.inf),
                ("max_retries", "0 to 20", 0 <= self.max_retries <= 20),
                ("backoff", "seconds, 0 to 60", 0 <= self.backoff <= 60),
                ("max_failures", "at least 1", self.max_failures >= 1),
                ("concurrency", "1 to 256", 1 <= self.concurrency <= 256),
                ("limit", "at least 1", self.limit is None or self.limit >= 1),
                ("cache", "a folder", bool(self.cache)),
            ],
        )
        if self.base_url is not None:
            problems += _bad_url(self.base_url)
        if not self.api_key_env.replace("_", "").isalnum() or self.api_key_env.startswith("sk"):
            # Whoever puts the key itself here must not read it back from a log.
            fix = "put the key into a variable and give the variable's name"
            problems.append(Problem("--api-key-env", "the name of an environment variable", "something else", fix))
        if problems:
            raise UserError(*problems)


@dataclass(kw_only=True)
class ChatieConfig(ChatSettings):
    """One extraction by chat."""

    task: ChatTask
    """ner, relation or event."""

    model: str
    """The model's name at the server."""

    data: str | None = None
    """Texts as JSON lines in the annotation format (macbert data convert); labelled ones are scored."""

    text: list[str] = field(default_factory=list)
    """Texts to read, in place of --data; the labels come from --schema."""

    output: str | None = None
    """File for the predictions, in the annotation format."""

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = []
        if bool(self.text) == (self.data is not None):
            found = "both" if self.text else "neither"
            problems.append(Problem("--text, --data", "one of the two", found, "give texts or a file"))
        if self.text and self.schema is None:
            problems.append(Problem("--schema", "the labels to ask for", "none", "such as --schema '[\"人物\"]'"))
        if self.text and self.mode == "oracle":
            problems.append(Problem("--mode", "two-stage or single without gold", "oracle", "give labelled --data"))
        if problems:
            raise UserError(*problems)


@dataclass(kw_only=True)
class EvaluateSystemsConfig(EvaluateConfig):
    """One scoring of a fine-tuned model, of a chat model, or of both in one table."""

    model: str = ""
    """Folder of the fine-tuned model; may be left out with --chatie."""

    chatie: str | None = None
    """Name of a model at an OpenAI-compatible server, scored on the same texts by the same rules (ner, relation,
    event)."""

    endpoint: ChatSettings = field(default_factory=ChatSettings)
    """How that model is reached and asked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = []
        if not self.model and self.chatie is None:
            problems.append(Problem("--model", "a value (Folder of the fine-tuned model)", "none", "pass --model"))
        if self.chatie is not None and self.task not in ChatTask.__args__:  # type: ignore[attr-defined]
            problems.append(Problem("--chatie", "task ner, relation or event", self.task, "leave out --chatie"))
        if problems:
            raise UserError(*problems)


def _bad_url(url: str) -> list[Problem]:
    fix = "give an address such as http://localhost:8000/v1"
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError:
        return [Problem("--base-url", "an http or https address", "something else", fix)]
    if user is not None:
        fix = "keys come from the environment only (--api-key-env)"
        return [Problem("--base-url", "an address without a user or password", "one with", fix)]
    if parts.scheme not in ("http", "https") or not host:
        return [Problem("--base-url", "an http or https address", url[:80], fix)]
    return []
