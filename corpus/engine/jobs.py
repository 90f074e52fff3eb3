"""A job: a function of ours called by name with JSON values, which gives JSON values back."""

from __future__ import annotations

import importlib
import os
import traceback
from typing import Any

from corpus.errors import Problem, UserError


def run_job(function: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Call ``module:function`` with a specification and return its result."""
    module, _, name = function.partition(":")
    result: dict[str, Any] = getattr(importlib.import_module(module), name)(spec)
    return result


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON values, for another process."""
    if isinstance(error, UserError):
        problems = [[p.where, p.expected, p.found, p.fix] for p in error.problems]
        return {"kind": "user", "problems": problems}
    if isinstance(error, OSError) and error.errno is not None:
        return {"kind": "os", "errno": error.errno, "filename": error.filename and str(error.filename)}
    return {"kind": "other", "trace": "".join(traceback.format_exception(error))}


def raise_error(described: dict[str, Any]) -> None:
    """Raise here the error that another process described."""
    if described["kind"] == "user":
        raise UserError(*(Problem(*parts) for parts in described["problems"]))
    if described["kind"] == "os":
        raise OSError(described["errno"], os.strerror(described["errno"]), described["filename"])
    raise RuntimeError(f"a worker failed:\n{described['trace']}")


def worker_number(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the number of the process that runs this job: the smallest job there is, for trying an engine out."""
    return {"pid": os.getpid()}
