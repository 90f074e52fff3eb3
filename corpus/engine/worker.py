"""A worker process: reads jobs from its standard input, one JSON line each, and answers on its standard output.

It ends when its input ends, so it never outlives the process that started it, however that one ended.
"""

from __future__ import annotations

import json
import os
import sys

from corpus.engine.jobs import describe_error, run_job


def main() -> None:
    """Serve jobs until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a print in somebody's step must not spoil an answer
    for line in sys.stdin.buffer:
        job = json.loads(line)
        try:
            answer = {"result": run_job(job["function"], job["spec"])}
        except Exception as error:
            answer = {"error": describe_error(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
