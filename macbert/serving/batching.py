"""Requests of many clients through one model: whatever waits while the model works goes through it next, together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from macbert.annotations import Example

logger = logging.getLogger(__name__)

Predict = Callable[[list[Example]], list[Example]]


class TooBusyError(RuntimeError):
    """More waits than the server has room for."""


@dataclass
class Waiting:
    """A request that the model has not seen yet."""

    examples: Sequence[Example]
    """Its texts."""

    characters: int
    """Their lengths together."""

    answer: asyncio.Future[list[Example]]
    """Set when they are read; cancelled when nobody waits any more."""


class Batcher:
    """Collects requests and runs the model in one thread.

    There is no waiting for more requests to come: one that comes to an idle model is read at once, and those that come
    meanwhile are the next batch. So batches grow with the load, and one client alone loses no time.

    Args:
        predict: reads texts, in order; called in a thread of its own, never twice at once.
        max_characters: most characters of a batch; one larger request goes alone.
        max_pending: most characters that may wait.
    """

    def __init__(self, predict: Predict, *, max_characters: int, max_pending: int) -> None:
        self._predict = predict
        self._max_characters = max_characters
        self._max_pending = max_pending
        self._waiting: deque[Waiting] = deque()
        self._characters = 0
        self._came = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._runner: asyncio.Task[None] | None = None
        self.batches = 0
        """Batches read so far."""
        self.requests = 0
        """Requests in them."""

    @property
    def pending(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    async def submit(self, examples: Sequence[Example]) -> list[Example]:
        """Return what the model says of the texts of one request.

        Raises:
            TooBusyError: too much waits already.
        """
        characters = sum(len(e.text) + len(e.text_pair or "") + len(e.question or "") + 1 for e in examples)
        if self._closing or self._characters + characters > self._max_pending:
            raise TooBusyError
        if self._runner is None:
            self._runner = asyncio.get_running_loop().create_task(self._run())
        waiting = Waiting(examples, characters, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._characters += characters
        self._came.set()
        return await waiting.answer

    async def close(self) -> None:
        """Answer what waits, and end."""
        self._closing = True
        self._came.set()
        if self._runner is not None:
            await self._runner
        self._thread.shutdown()

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                if self._closing:
                    return
                self._came.clear()
                await self._came.wait()
                continue
            batch = [request for request in self._next_batch() if not request.answer.done()]
            if batch:
                await self._answer(batch)

    def _next_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size = 0
        while self._waiting and (not batch or size + self._waiting[0].characters <= self._max_characters):
            request = self._waiting.popleft()
            self._characters -= request.characters
            size += request.characters
            batch.append(request)
        return batch

    async def _answer(self, batch: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        self.batches += 1
        self.requests += len(batch)
        try:
            examples = [example for request in batch for example in request.examples]
            found = await loop.run_in_executor(self._thread, self._predict, examples)
        except Exception as error:
            if len(batch) == 1:
                logger.exception("a request failed")
                with contextlib.suppress(asyncio.InvalidStateError):
                    batch[0].answer.set_exception(error)
                return
            # One of them is to blame: the others must not pay for it.
            for request in batch:
                await self._answer([request])
            return
        start = 0
        for request in batch:
            own = found[start : start + len(request.examples)]
            start += len(request.examples)
            if not request.answer.done():
                request.answer.set_result(own)
