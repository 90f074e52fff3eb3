"""The paths of the server: /extract, /health, /metrics, and /docs, which FastAPI makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fastapi
from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import UserError
from macbert.annotations import Example, example_as_json
from macbert.extraction.extractor import Extractor
from macbert.extraction.wanted import keep_wanted, read_schema
from macbert.serving.batching import Batcher, TooBusyError
from macbert.serving.config import ServeConfig
from macbert.serving.guard import Guard
from macbert.serving.metrics import Metrics


class Request(BaseModel):
    """Texts to read."""

    model_config = ConfigDict(extra="forbid")

    texts: list[str | tuple[str, str]] = Field(min_length=1, examples=[["李雷在北京工作。"]])
    """Texts; for pairs [first, second], for reading [question, text]."""

    wanted: Any = Field(default=None, alias="schema", examples=[["人物", "地点"]])
    """What to keep, as UIE asks for it; everything where it is left out."""


class Response(BaseModel):
    """What is found, text by text."""

    task: str
    """What the model answers."""

    results: list[dict[str, Any]]
    """One a text, in order, in the annotation format, with the characters of every span."""


class Health(BaseModel):
    """Whether the server takes requests."""

    status: str
    """"ok"."""


def build_app(extractor: Extractor, config: ServeConfig, token: str | None = None) -> tuple[Guard, Metrics]:
    """Return the server's application, guarded, and its counts."""
    metrics = Metrics()
    names, inner = extractor.schema_names

    def predict(examples: list[Example]) -> list[Example]:
        return extractor.predict(examples, max_batch_tokens=config.max_batch_tokens)

    batcher: Batcher | None = None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        nonlocal batcher
        batcher = Batcher(
            predict, max_characters=config.max_batch_characters, max_pending=config.max_pending_characters
        )
        yield
        await batcher.close()

    app = FastAPI(title=f"macbert-zh: {extractor.task}", lifespan=lifespan, redoc_url=None)

    @app.exception_handler(RequestValidationError)
    async def refused(request: fastapi.Request, error: RequestValidationError) -> JSONResponse:
        # Without the input, which FastAPI would send back: it may be long, and no valid text at all.
        told = [
            {"where": [printable(str(part)) for part in item["loc"]], "problem": printable(item["msg"])}
            for item in error.errors()[:20]
        ]
        return JSONResponse({"detail": told}, 422)

    @app.post("/extract", response_model=Response, response_class=JSONResponse)
    async def extract(request: Request) -> JSONResponse:
        """Read texts."""
        examples = examples_of(extractor, request.texts)
        check_size(request.texts, config)
        wanted = None
        if request.wanted is not None:
            try:
                wanted = read_schema(request.wanted, names, inner=inner)
            except UserError as error:
                raise HTTPException(422, [printable(str(problem)) for problem in error.problems[:20]]) from None
        assert batcher is not None
        try:
            found = await asyncio.wait_for(batcher.submit(examples), config.timeout_seconds)
        except TooBusyError:
            raise HTTPException(503, "too many requests wait; try again", {"Retry-After": "1"}) from None
        except TimeoutError:
            raise HTTPException(504, f"no answer within {config.timeout_seconds:g} seconds") from None
        metrics.texts += len(examples)
        metrics.characters += sum(len(example.text) for example in examples)
        if wanted is not None:
            found = [keep_wanted(example, wanted) for example in found]
        results = [example_as_json(example, surfaces=True) for example in found]
        return JSONResponse({"task": extractor.task, "results": results})

    @app.get("/health")
    async def health() -> Health:
        """Say whether the server takes requests."""
        return Health(status="ok")

    @app.get("/metrics", response_class=PlainTextResponse)
    async def figures() -> PlainTextResponse:
        """Give Prometheus its figures."""
        assert batcher is not None
        text = metrics.as_text(batches=batcher.batches, batched=batcher.requests, pending=batcher.pending)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    return Guard(app, config, token, metrics), metrics


def examples_of(extractor: Extractor, texts: list[str | tuple[str, str]]) -> list[Example]:
    """Return the texts as the task reads them; answer 422 where it reads pairs and these are none, or to no text."""
    if any(isinstance(text, str) == extractor.reads_pairs for text in texts):
        kind = "[question, text]" if extractor.task == "mrc" else "[first, second]"
        raise HTTPException(422, f"this model reads {kind}" if extractor.reads_pairs else "this model reads texts")
    if any(part != printable(part) for text in texts for part in ([text] if isinstance(text, str) else text)):
        raise HTTPException(422, "half a surrogate pair is no text")
    return [extractor.example(text) for text in texts]


def printable(text: str) -> str:
    """Return a string that UTF-8 can say: a question mark for half a surrogate pair, which JSON can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def check_size(texts: list[str | tuple[str, str]], config: ServeConfig) -> None:
    """Answer 413 where a request holds too much."""
    if len(texts) > config.max_texts:
        raise HTTPException(413, f"a request has at most {config.max_texts} texts")
    if sum(len(text) if isinstance(text, str) else sum(map(len, text)) for text in texts) > config.max_characters:
        raise HTTPException(413, f"a request has at most {config.max_characters} characters")
