"""Jobs in worker processes of this machine.

Processes of our own instead of ``multiprocessing``: they need no ``if __name__ == "__main__"`` in the user's script,
fork no threads, exchange JSON instead of pickles, and end by themselves when the parent is killed.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from corpus.engine.jobs import raise_error, run_job


class LocalEngine:
    """Runs jobs in this process (one worker) or in several; inside ``with`` the workers are started only once."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stays = False

    def __call__(self, function: str, specs: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, result) of each job as it finishes; the first error stops all workers and is raised here."""
        if self._workers == 1 or len(specs) < 2:
            for number, spec in enumerate(specs):
                yield number, run_job(function, spec)
            return
        while len(self._processes) < min(self._workers, len(specs)):
            self._processes.append(_start())
        done: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(specs)):
            todo.put(number)
        threads = [
            threading.Thread(target=_feed, args=(process, function, specs, todo, done), daemon=True)
            for process in self._processes[: len(specs)]
        ]
        finished = False
        try:
            for thread in threads:
                thread.start()
            for _ in specs:
                number, answer = done.get()
                if "error" in answer:
                    raise_error(answer["error"])
                yield number, answer["result"]
            finished = True
        finally:
            if not finished:
                for process in self._processes:
                    process.kill()
            for thread in threads:
                thread.join()
            if not finished or not self._stays:
                self._end()

    def _end(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait()
            process.stdout.close()
        self._processes = []

    def __enter__(self) -> LocalEngine:
        self._stays = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stays = False
        self._end()


def _start() -> subprocess.Popen[bytes]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path or os.getcwd() for path in sys.path))
    command = [sys.executable, "-m", "corpus.engine.worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _feed(
    process: subprocess.Popen[bytes],
    function: str,
    specs: Sequence[dict[str, Any]],
    todo: queue.SimpleQueue[int],
    done: queue.SimpleQueue[tuple[int, dict[str, Any]]],
) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            number = todo.get_nowait()
        except queue.Empty:
            return
        try:
            process.stdin.write(json.dumps({"function": function, "spec": specs[number]}).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            answer = json.loads(line)
        except (OSError, ValueError):
            trace = f"worker {process.pid} ended with {process.wait()} in the middle of a job (killed for memory?)"
            done.put((number, {"error": {"kind": "other", "trace": trace}}))
            return
        done.put((number, answer))
