"""The wire: one question to an OpenAI-compatible server, with bounded further tries, and everything counted.

The key is read from the environment when a client is made and stands in no attribute, file, log line or message: what a
server sends back is searched for it first.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from corpus.errors import MissingExtra, UserError
from macbert.chatie.cache import AnswerCache, answer_key
from macbert.chatie.config import ChatSettings

logger = logging.getLogger(__name__)

HIDDEN = "[key]"
LONGEST_WAIT = 60.0
_FORMATS = ("json_schema", "json_object", "text")
_TALKATIVE = ("openai", "httpx", "httpcore")
_AGAIN = (408, 409, 425, 429)

Message = dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What came back for one question."""

    text: str
    """The answer; empty where the question failed."""

    cut: bool = False
    """Whether it ended at ``max_tokens``."""

    failed: str | None = None
    """Why there is none."""


@dataclass
class Usage:
    """What a run asked, got and spent."""

    calls: int = 0
    """Questions answered by the server in this run."""

    cached: int = 0
    """Questions answered from the cache."""

    failed: int = 0
    """Questions without an answer after all tries."""

    retries: int = 0
    """Further tries."""

    prompt_tokens: int = 0
    """Of all answers used, cached ones included, as the server counted them."""

    completion_tokens: int = 0
    """The same for answers."""

    seconds: float = 0.0
    """Time waited for the answers used, summed over parallel questions."""

    troubles: Counter[str] = field(default_factory=Counter)
    """What went wrong on the wire, by kind."""


class Trouble(Exception):
    """A try that failed, told without the key."""

    def __init__(self, kind: str, *, again: bool, wait: float | None = None, detail: str = "") -> None:
        super().__init__(kind)
        self.kind, self.again, self.wait, self.detail = kind, again, wait, detail


def connection(settings: ChatSettings) -> tuple[Any, str, str]:
    """Return the openai package, the server's address and the key ("" where none is set); nothing is sent.

    Raises:
        MissingExtra: the openai package is not installed.
        UserError: no address and no key.
    """
    try:
        import openai
    except ImportError:
        raise MissingExtra("openai", "chatie", "macbert chatie") from None
    key = os.environ.get(settings.api_key_env) or ""
    base_url = settings.base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    if not key and urlsplit(base_url).hostname == "api.openai.com":
        fix = f"export {settings.api_key_env}=..., or name another server with --base-url"
        raise UserError.at(settings.api_key_env, expected="a key in the environment", found="none", fix=fix)
    return openai, base_url, key


class ChatClient:
    """Asks a model, at most once for the same question.

    Args:
        model: its name at the server.
        settings: address, answer format, tries.
        cache: answers already there.
        sleep: replaced by tests.

    Raises:
        MissingExtra: the openai package is not installed.
        UserError: no address and no key.
    """

    def __init__(
        self, model: str, settings: ChatSettings, cache: AnswerCache, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        openai, self.base_url, key = connection(settings)
        self.model, self.settings, self.cache, self.usage = model, settings, cache, Usage()
        self._sleep = sleep
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}
        self._in_a_row = 0
        self._format = 0 if settings.response_format == "auto" else _FORMATS.index(settings.response_format)
        self._openai = openai
        # Redirects are refused: texts and key must not go to a host that nobody named.
        http = openai.DefaultHttpxClient(follow_redirects=False, timeout=settings.timeout)
        client = openai.OpenAI(
            api_key=key or "none", base_url=self.base_url, timeout=settings.timeout, max_retries=0, http_client=http
        )
        self._create = client.chat.completions.with_raw_response.create
        self._hide = (lambda text: text.replace(key, HIDDEN)) if len(key) >= 4 else (lambda text: text)
        self._client = client
        self._levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
        for name in _TALKATIVE:
            # At DEBUG they log texts and response headers whole, in which a server may send the key back.
            logging.getLogger(name).setLevel(logging.WARNING)

    def close(self) -> None:
        """Close the connections, and let the libraries log as before."""
        self._client.close()
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)

    def ask(self, messages: Sequence[Message], schema: dict[str, Any] | None) -> Reply:
        """Return the answer to a conversation that ends with a question.

        Args:
            messages: as the protocol has them.
            schema: JSON schema of the answer, or None for free text.

        Raises:
            UserError: the server refuses the key, the model, or sends elsewhere: no later question would do better.
            OSError: too many questions in a row failed.
        """
        settings = self.settings
        asked = {
            "base_url": self.base_url,
            "model": self.model,
            "messages": list(messages),
            "temperature": settings.temperature,
            "seed": settings.seed,
            "max_tokens": settings.max_tokens,
            "response_format": settings.response_format,
            "schema": schema,
        }
        key = answer_key(asked)
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:  # a text that stands twice is asked once, also when both are read at the same time
            entry = self.cache.get(key)
            cached = entry is not None
            if entry is None:
                got = self._ask(asked, schema)
                if isinstance(got, Reply):
                    return got
                entry = got
                self.cache.put(key, entry)
        with self._lock:
            self.usage.cached += cached
            self.usage.calls += not cached
            self.usage.prompt_tokens += entry["prompt_tokens"]
            self.usage.completion_tokens += entry["completion_tokens"]
            self.usage.seconds += entry["seconds"]
        return Reply(entry["answer"], entry["finish_reason"] == "length")

    def _ask(self, asked: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any] | Reply:
        attempts = 0
        while True:
            attempts += 1
            began = time.monotonic()
            try:
                answer = self._with_format(asked, schema)
            except Trouble as trouble:
                with self._lock:
                    self.usage.troubles[trouble.kind] += 1
                if not trouble.again or attempts > self.settings.max_retries:
                    return self._give_up(trouble)
                with self._lock:
                    self.usage.retries += 1
                wait = trouble.wait if trouble.wait is not None else self.settings.backoff * 2 ** (attempts - 1)
                self._sleep(min(wait, LONGEST_WAIT))
                continue
            with self._lock:
                self._in_a_row = 0
            seconds = round(time.monotonic() - began, 4)
            return {**asked, **answer, "seconds": seconds, "attempts": attempts, "time": int(time.time())}

    def _give_up(self, trouble: Trouble) -> Reply:
        with self._lock:
            self.usage.failed += 1
            self._in_a_row += 1
            enough = self._in_a_row >= self.settings.max_failures
        logger.warning("a question failed: %s %s", trouble.kind, trouble.detail)
        if enough:
            reason = f"no answer to {self.settings.max_failures} questions in a row, at last: {trouble.kind}"
            raise OSError(errno.EIO, f"{reason} {trouble.detail}".strip(), self.base_url)
        return Reply("", failed=trouble.kind)

    def _with_format(self, asked: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
        """Ask with the strictest answer format that the server has, and remember which that is."""
        if schema is None:
            return self._once(asked, {})
        first = self._format
        last = len(_FORMATS) - 1 if self.settings.response_format == "auto" else first
        for level in range(first, last + 1):
            try:
                answer = self._once(asked, _response_format(_FORMATS[level], schema))
            except Trouble as trouble:
                if trouble.kind not in ("http_400", "http_422") or level == last:
                    raise
                continue
            if level > first:
                logger.info("%s has no %s; asking for %s", self.base_url, _FORMATS[level - 1], _FORMATS[level])
                with self._lock:
                    self._format = max(self._format, level)
            return answer
        raise AssertionError("a last level answers or raises")

    def _once(self, asked: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        openai = self._openai
        names = ("model", "messages", "temperature", "seed", "max_tokens")
        try:
            raw = self._create(**{name: asked[name] for name in names}, **more)
            return self._read(raw)
        except openai.APITimeoutError:
            raise Trouble("timeout", again=True) from None
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except openai.APIConnectionError as error:
            cause = type(error.__cause__).__name__ if error.__cause__ else "no connection"
            raise Trouble("connection", again=True, detail=self._hide(cause)) from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, LookupError):
            # JSON that is none, or of another form; httpx's own errors while reading a body arrive here too.
            raise Trouble("bad_body", again=True) from None
        except Exception as error:
            if type(error).__module__.split(".")[0] not in ("httpx", "httpcore"):
                raise
            raise Trouble("cut_body", again=True, detail=type(error).__name__) from None

    def _read(self, raw: Any) -> dict[str, Any]:
        kind = raw.headers.get("content-type", "")
        if "html" in kind:
            raise Trouble("html", again=True, detail="a web page came instead of an answer; is --base-url right?")
        completion = raw.parse()
        choice = completion.choices[0]
        usage = completion.usage
        text = choice.message.content
        if text is None:
            # A refusal, or nothing but a thinking part: an empty answer, told apart by its reason.
            text = getattr(choice.message, "refusal", None) or ""
        return {
            "answer": self._hide(str(text)),
            "finish_reason": choice.finish_reason,
            "prompt_tokens": int(getattr(usage, "prompt_tokens", 0) or 0),
            "completion_tokens": int(getattr(usage, "completion_tokens", 0) or 0),
        }

    def _status(self, error: Any) -> Trouble:
        """Return the trouble of an HTTP status; raise where nothing else can work."""
        status = error.status_code
        detail = self._hide(" ".join(str(getattr(error, "message", "")).split()))[:200]
        if 300 <= status < 400:
            host = urlsplit(error.response.headers.get("location", "")).netloc or "elsewhere"
            fix = "give the right --base-url; texts and key are not sent on to another host"
            raise UserError.at("--base-url", expected="an answer", found=self._hide(f"a redirect to {host}"), fix=fix)
        if status in (401, 403):
            fix = f"check the key in {self.settings.api_key_env}"
            raise UserError.at(self.base_url, expected="access", found=f"HTTP {status}", fix=fix)
        if status == 404:
            fix = "check --model and --base-url (it ends with /v1 on most servers)"
            raise UserError.at(self.base_url, expected=f"a model '{self.model}'", found=f"HTTP 404 {detail}", fix=fix)
        if status == 429 and getattr(error, "code", None) == "insufficient_quota":
            fix = "add credit; the same command goes on from the answers in --cache"
            raise UserError.at(self.base_url, expected="credit left", found="none (insufficient_quota)", fix=fix)
        return Trouble(
            f"http_{status}", again=status in _AGAIN or status >= 500, wait=_retry_after(error), detail=detail
        )


def _response_format(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name == "json_schema":
        wrapped = {"name": "answer", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": wrapped}}
    return {"response_format": {"type": "json_object"}} if name == "json_object" else {}


def _retry_after(error: Any) -> float | None:
    try:
        return max(0.0, float(error.response.headers["retry-after"]))
    except (KeyError, ValueError, AttributeError):
        return None
