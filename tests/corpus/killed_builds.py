"""Kill builds at their operations on files: a program of its own, since a killed build takes its process along.

    python killed_builds.py FOLDER FIRST STEP INPUT...

It forks one process a build, after the compiled code was loaded once, and prints a line of JSON for operation FIRST,
FIRST + STEP ... of a build: was the build killed there, what became of the next one, and what is in the folder then.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from corpus import CorpusConfig, build_corpus
from corpus.files import sha256_file

EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")


def build(inputs: list[str], output: Path, kill_at: int) -> tuple[int, int]:
    """Build in a process that kills itself at an operation; return its wait status and how many operations it did."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            done = 0

            def watch(event: str, args: tuple[object, ...]) -> None:
                nonlocal done
                if event in EVENTS and (event != "open" or ".out" in str(args[0]) or "/out" in str(args[0])):
                    done += 1
                    if done == kill_at:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(watch)
            build_corpus(CorpusConfig(input=inputs, output=str(output)))
            os.write(writing, str(done).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        operations = pipe.read()
    return os.waitpid(child, 0)[1], int(operations or 0)


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder."""
    return {str(path.relative_to(folder)): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def main() -> None:
    """Kill builds at every STEP-th operation from FIRST on, and build again after each."""
    folder, first, step, inputs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    build_corpus(CorpusConfig(input=inputs, output=str(folder / "whole" / "out")))
    status, operations = build(inputs, folder / "counted" / "out", 0)
    assert status == 0
    for at in range(first, operations + 1, step):
        output = folder / f"at{at}" / "out"
        killed, _ = build(inputs, output, at)
        again, _ = build(inputs, output, 0)
        left = sorted(path.name for path in output.parent.iterdir())
        same = hashes(output) == hashes(folder / "whole" / "out") if output.exists() else False
        found = {"at": at, "of": operations, "killed": killed == signal.SIGKILL, "again": again, "left": left}
        print(json.dumps({**found, "same": same}), flush=True)
        shutil.rmtree(output.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
