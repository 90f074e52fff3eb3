"""A file system that fails at the k-th operation: killed before, after or in the middle of it, or with a full disk.

Every call that changes the disk is counted: opening a file for writing, each write that reaches the system, fsync,
rename, unlink, mkdir, rmdir, and the two calls that write tensors (in compiled code, so each is one operation here, and
"torn" cuts its file in half).
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn


class FileShim:
    """Counts operations and fails at one of them; it is never taken off, so it belongs into a forked process."""

    def __init__(self, fail_at: int = -1, how: str = "before") -> None:
        self.fail_at = fail_at
        self.how = how
        self.log: list[str] = []

    def install(self) -> None:
        """Put the shim between Python and the disk."""
        for name in ("fsync", "rename", "replace", "unlink", "remove", "mkdir", "rmdir", "write"):
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        real_open, real_os_open = io.open, os.open
        shim = self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                torn = lambda: io.FileIO.write(self, bytes(data)[: len(data) // 2])  # noqa: E731
                return shim.operate("write", lambda: io.FileIO.write(self, data), torn)

        def shim_open(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
            if not set(mode) & set("wax+"):
                return real_open(file, mode, buffering, *args, **kwargs)
            raw_mode = mode.replace("b", "").replace("t", "")
            closefd = kwargs.pop("closefd", True)
            raw = (
                File(file, raw_mode, closefd)
                if isinstance(file, int)
                else shim.operate("open", lambda: File(file, raw_mode))
            )
            if "b" in mode and buffering == 0:
                return raw
            buffered = io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *args, **kwargs)

        def shim_os_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            if flags & os.O_CREAT:
                return shim.operate("create", lambda: real_os_open(path, flags, *args, **kwargs))
            return real_os_open(path, flags, *args, **kwargs)

        builtins.open = io.open = shim_open
        os.open = shim_os_open
        import transformers.modeling_utils as modeling_utils

        import macbert.pretraining.checkpoints as checkpoints

        modeling_utils.safe_save_file = self._tensors(modeling_utils.safe_save_file)
        checkpoints.save_file = self._tensors(checkpoints.save_file)

    def operate(self, name: str, act: Callable[[], Any], torn: Callable[[], Any] | None = None) -> Any:
        """Do one operation, or fail."""
        self.log.append(name)
        if len(self.log) - 1 != self.fail_at:
            return act()
        if self.how == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.how == "torn" and torn is not None:
            torn()
        try:
            if self.how == "after":
                act()
        finally:
            # Also where the operation itself failed, as mkdir of a folder that is there already.
            _die()

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: self.operate(name, lambda: real(*args, **kwargs))

    def _tensors(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def save(tensors: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
            def torn() -> None:
                real(tensors, filename, *args, **kwargs)
                os.truncate(filename, os.path.getsize(filename) // 2)

            return self.operate("tensors", lambda: real(tensors, filename, *args, **kwargs), torn)

        return save


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")
