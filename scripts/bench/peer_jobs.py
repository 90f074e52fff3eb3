"""What a peer makes of the same texts: run by ``corpus_peers.py`` with the Python of that peer's own environment.

    python peer_jobs.py JOB < texts.json > answer.json

Only the standard library and the peer are imported here; versions and settings are the caller's to state.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# FineWeb-2's published thresholds for cmn_Hani, for datatrove's own filters.
CMN_HANI = {
    "dup_line_frac": 0.287,
    "top_n_grams": ((2, 0.256), (3, 0.201), (4, 0.171)),
    "dup_n_grams": ((5, 0.198), (6, 0.182), (7, 0.167), (8, 0.154), (9, 0.14), (10, 0.127)),
}
STOP_WORDS = list("的年在月是和日了於·為有被人中为他與後也而由")


def data_juicer_pii(texts: Sequence[str]) -> Any:
    """Return for each text whether data-juicer's redaction changes it."""
    from data_juicer.ops.mapper.pii_redaction_mapper import PiiRedactionMapper

    mapper = PiiRedactionMapper()
    return [mapper.process_batched({"text": [text]})["text"][0] != text for text in texts]


def datatrove_pii(texts: Sequence[str]) -> Any:
    """Return for each text whether datatrove's redaction changes it."""
    from datatrove.pipeline.formatters import PIIFormatter

    formatter = PIIFormatter()
    return [formatter.format(text) != text for text in texts]


def datatrove_filters(texts: Sequence[str]) -> Any:
    """Return how many texts datatrove's default filters keep, and for each whether FineWeb-2's settings keep it."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    def kept(rule: Any) -> list[bool]:
        return [rule.filter(Document(text=text, id=str(n))) is True for n, text in enumerate(texts)]

    found: dict[str, Any] = {}
    for language in ("eng", "cmn_Hani"):
        defaults = {
            "Gopher quality": GopherQualityFilter(language=language),
            "C4": C4QualityFilter(language=language),
            "FineWeb": FineWebQualityFilter(language=language),
        }
        for name, rule in defaults.items():
            with contextlib.suppress(LookupError, OSError):  # C4 asks NLTK for a file that has to be downloaded
                found[f"{name}, {language}"] = sum(kept(rule))
    start = time.process_time()
    tuned = (
        GopherRepetitionFilter(
            language="cmn_Hani", dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0, **CMN_HANI
        ),
        FineWebQualityFilter(
            language="cmn_Hani",
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=0.106,
            new_line_ratio=0.178,
        ),
        GopherQualityFilter(
            language="cmn_Hani",
            min_avg_word_length=1,
            max_avg_word_length=5,
            stop_words=STOP_WORDS,
            max_non_alpha_words_ratio=0.735,
            min_stop_words=2,
        ),
    )
    verdicts = list(map(all, zip(*map(kept, tuned), strict=True)))
    return {"defaults": found, "tuned": verdicts, "seconds": time.process_time() - start}


def datatrove_rerun(texts: Sequence[str]) -> Any:
    """Return documents in the output of a run, after the file is cut to half, and after the run is run again."""
    import gzip

    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    with tempfile.TemporaryDirectory() as place:

        def run() -> int:
            documents = [Document(text=text, id=str(n)) for n, text in enumerate(texts)]
            pipeline = [documents, JsonlWriter(f"{place}/out")]
            LocalPipelineExecutor(pipeline=pipeline, logging_dir=f"{place}/logs", tasks=1).run()
            (path,) = Path(place, "out").glob("*.gz")
            try:
                with gzip.open(path, "rt", encoding="utf-8") as stream:
                    return sum(1 for _ in stream)
            except EOFError:
                return -1

        whole = run()
        (path,) = Path(place, "out").glob("*.gz")
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        again = run()
        return {"whole": whole, "again": again, "mended": path.read_bytes() == data}


def datasketch_minhash(texts: Sequence[str]) -> Any:
    """Return the processor seconds of datasketch for signatures of 126 functions over character 4-grams."""
    from datasketch import MinHash

    start = time.process_time()
    for text in texts:
        signature = MinHash(num_perm=126)
        signature.update_batch([text[i : i + 4].encode() for i in range(len(text) - 3)])
    return time.process_time() - start


JOBS: dict[str, Callable[[Sequence[str]], Any]] = {
    function.__name__: function
    for function in (data_juicer_pii, datatrove_pii, datatrove_filters, datatrove_rerun, datasketch_minhash)
}


def main() -> None:
    """Run one job on the texts of standard input."""
    logging.disable(logging.CRITICAL)
    answer_to = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # peers print
        answer = JOBS[sys.argv[1]](json.load(sys.stdin))
    json.dump(answer, answer_to)


if __name__ == "__main__":
    main()
