"""The same jobs on a Ray cluster.

Inputs and the output's folder must lie where every node sees them under the same path, as on a network file system.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from corpus.engine.jobs import describe_error, raise_error, run_job
from corpus.errors import MissingExtra, UserError


class RayEngine:
    """Runs each job as a Ray task; a cluster that is running is joined, and left running at the end."""

    def __init__(self, address: str | None, workers: int) -> None:
        try:
            import ray
        except ImportError:
            raise MissingExtra("ray", "ray", "--engine ray") from None
        self._ray = ray
        self._started = not ray.is_initialized()
        if self._started:
            # Tasks import corpus from where it is imported from here.
            paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
            more: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
            try:
                ray.init(
                    address=address,
                    runtime_env={"env_vars": {"PYTHONPATH": paths}},
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **more,
                )
            except (ConnectionError, ValueError) as error:
                found = f"none ({str(error).splitlines()[0][:200]})"
                fix = "start it with 'ray start --head', or leave --address out"
                raise UserError.at("--address", expected="a running Ray cluster", found=found, fix=fix) from None
        self._task = ray.remote(max_retries=2)(_task)

    def __call__(self, function: str, specs: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, result) of each job as it finishes; the first error cancels the others and is raised here."""
        waiting = {
            self._task.options(scheduling_strategy="SPREAD").remote(function, spec): n for n, spec in enumerate(specs)
        }
        try:
            while waiting:
                (ready,), _ = self._ray.wait(list(waiting), num_returns=1)
                number = waiting.pop(ready)
                answer = self._ray.get(ready)
                if "error" in answer:
                    raise_error(answer["error"])
                yield number, answer["result"]
        finally:
            for reference in waiting:
                self._ray.cancel(reference, force=True)

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            self._ray.shutdown()


def _task(function: str, spec: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": run_job(function, spec)}
    except Exception as error:
        return {"error": describe_error(error)}
