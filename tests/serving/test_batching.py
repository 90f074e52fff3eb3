"""What waits while the model works goes through it together; one bad request harms no other."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.errors import MissingExtra, UserError
from macbert.annotations import Example
from macbert.serving.batching import Batcher, TooBusyError
from macbert.serving.config import ServeConfig
from macbert.serving.metrics import Metrics


class Model:
    """Answers with the text in capitals, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Event()

    def predict(self, examples: list[Example]) -> list[Example]:
        self.batches.append([example.text for example in examples])
        assert self.go.wait(60)
        if any(example.text == "bad" for example in examples):
            raise ValueError("bad")
        return [Example(example.text.upper()) for example in examples]


async def begin(batcher: Batcher, model: Model, text: str) -> asyncio.Task[list[Example]]:
    """Send a request and wait until the model has it; it keeps it until it is let."""
    task = asyncio.create_task(batcher.submit([Example(text)]))
    await until(lambda: model.batches)
    return task


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def run_with(model: Model, work: Callable[[Batcher], object], *, characters: int = 1000, pending: int = 1000) -> None:
    async def run() -> None:
        batcher = Batcher(model.predict, max_characters=characters, max_pending=pending)
        await work(batcher)
        await batcher.close()

    asyncio.run(run())


def test_requests_that_come_while_the_model_works_are_one_batch_in_their_order() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        first = await begin(batcher, model, "first")
        later = [asyncio.create_task(batcher.submit([Example(f"a{n}"), Example(f"b{n}")])) for n in range(9)]
        await until(lambda: batcher.pending == 9)
        model.go.set()
        assert [e.text for e in await first] == ["FIRST"]
        for number, task in enumerate(later):
            assert [e.text for e in await task] == [f"A{number}", f"B{number}"]
        assert (batcher.batches, batcher.requests) == (2, 10)

    run_with(model, work)
    assert model.batches == [["first"], [f"{c}{n}" for n in range(9) for c in "ab"]]


def test_a_batch_has_its_limit_and_a_larger_request_goes_alone() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        tasks = [await begin(batcher, model, "x")]
        tasks += [asyncio.create_task(batcher.submit([Example("x" * size)])) for size in (4, 4, 50, 4)]
        await until(lambda: batcher.pending == 4)
        model.go.set()
        await asyncio.gather(*tasks)

    run_with(model, work, characters=10)
    assert [len("".join(batch)) for batch in model.batches] == [1, 8, 50, 4]


def test_a_request_that_fails_fails_alone() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        tasks = [await begin(batcher, model, "a")]
        tasks += [asyncio.create_task(batcher.submit([Example(text)])) for text in ("b", "bad", "c")]
        await until(lambda: batcher.pending == 3)
        model.go.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(value).__name__ if isinstance(value, Exception) else value[0].text for value in found] == [
            "A",
            "B",
            "ValueError",
            "C",
        ]

    run_with(model, work)


def test_what_nobody_waits_for_any_more_is_not_read() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        first = await begin(batcher, model, "first")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(batcher.submit([Example("late")]), 0.01)
        model.go.set()
        await first

    run_with(model, work)
    assert model.batches == [["first"]]


def test_too_much_waiting_is_refused_and_closing_answers_what_waits() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        tasks = [await begin(batcher, model, "x" * 9)]
        tasks += [asyncio.create_task(batcher.submit([Example("x" * 9)])) for _ in range(2)]
        await until(lambda: batcher.pending == 2)
        with pytest.raises(TooBusyError):
            await batcher.submit([Example("x" * 9)])
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(TooBusyError):
            await batcher.submit([Example("x")])
        model.go.set()
        await closing
        assert [len(await task) for task in tasks] == [1, 1, 1]

    run_with(model, work, pending=25)


def test_a_histogram_counts_every_request_once() -> None:
    metrics = Metrics()
    for status, seconds in ((200, 0.001), (200, 0.3), (413, 99.0)):
        metrics.answered(status, seconds)
    lines = metrics.as_text(batches=1, batched=2, pending=0).splitlines()
    assert 'macbert_requests_total{status="200"} 2' in lines
    assert 'macbert_request_seconds_bucket{le="0.005"} 1' in lines
    assert 'macbert_request_seconds_bucket{le="0.5"} 2' in lines
    assert 'macbert_request_seconds_bucket{le="30.0"} 2' in lines
    assert 'macbert_request_seconds_bucket{le="+Inf"} 3' in lines
    assert "macbert_request_seconds_count 3" in lines


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "::1"])
def test_this_machine_alone_needs_no_token(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MACBERT_TOKEN", raising=False)
    assert ServeConfig(model="m", host=host).token() is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "127.0.0.1.example.org"])
def test_any_other_address_demands_a_token(host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MACBERT_TOKEN", raising=False)
    with pytest.raises(UserError, match="--host: expected a token"):
        ServeConfig(model="m", host=host).token()
    monkeypatch.setenv("MACBERT_TOKEN", "short")
    with pytest.raises(UserError, match="MACBERT_TOKEN: expected a token of 16"):
        ServeConfig(model="m", host=host).token()
    monkeypatch.setenv("MACBERT_TOKEN", "a-token-of-enough-signs")
    assert ServeConfig(model="m", host=host).token() == "a-token-of-enough-signs"


def test_a_missing_extra_is_named_with_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from macbert.serving import serve

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtra, match=r"uvicorn: pip install 'macbert-zh\[serve\]'"):
        serve(ServeConfig(model="m"))
