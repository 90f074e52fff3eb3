"""Counts of a server in Prometheus' text form."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds."""


class Metrics:
    """What a server has done; touched by the event loop alone."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.texts = 0
        self.characters = 0
        self._answers: Counter[int] = Counter()
        self._seconds = 0.0
        self._buckets = [0] * (len(BUCKETS) + 1)

    @property
    def requests(self) -> int:
        """Requests answered, refused ones included."""
        return sum(self._answers.values())

    def answered(self, status: int, seconds: float) -> None:
        """Count a request; status 0 is one whose client went away."""
        self._answers[status] += 1
        self._seconds += seconds
        place = next((number for number, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        self._buckets[place] += 1

    def as_text(self, *, batches: int, batched: int, pending: int) -> str:
        """Return every figure, with its help."""
        lines = ["# HELP macbert_requests_total Requests by status; 0: the client went away.",
                 "# TYPE macbert_requests_total counter"]  # fmt: skip
        lines += [f'macbert_requests_total{{status="{code}"}} {count}' for code, count in sorted(self._answers.items())]
        lines += ["# HELP macbert_request_seconds Time from the headers of a request to its answer.",
                  "# TYPE macbert_request_seconds histogram"]  # fmt: skip
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), accumulate(self._buckets), strict=True):
            lines.append(f'macbert_request_seconds_bucket{{le="{bound}"}} {count}')
        lines += [f"macbert_request_seconds_sum {self._seconds:.6f}", f"macbert_request_seconds_count {self.requests}"]
        for name, kind, value, text in (
            ("macbert_texts_total", "counter", self.texts, "Texts read."),
            ("macbert_characters_total", "counter", self.characters, "Characters read."),
            ("macbert_batches_total", "counter", batches, "Times the model was called."),
            ("macbert_batched_requests_total", "counter", batched, "Requests in those calls."),
            ("macbert_requests_in_flight", "gauge", self.in_flight, "Requests that have no answer yet."),
            ("macbert_requests_waiting", "gauge", pending, "Requests that the model has not begun."),
        ):
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value}"]
        return "\n".join(lines) + "\n"
