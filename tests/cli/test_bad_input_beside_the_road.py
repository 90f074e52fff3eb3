"""Bad input to the commands beside the road: of corpus, tokenizer and data those not on it, and adapt-report."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.usefixtures("one_thread")

Mistake = tuple[str, dict[str, str | None], str]

CASES: list[Mistake] = [
    # A file or folder that is not there.
    ("corpus report", {"": "{bad}/none"}, r"/none: expected a corpus folder"),
    ("corpus verify", {"": "{bad}/none"}, r"/none: expected a corpus folder"),
    ("corpus score train", {"--positive": "{bad}/none"}, r"/none: expected"),
    ("corpus score train", {"--negative": "{bad}/none"}, r"/none: expected"),
    ("corpus score train", {"--rubric": "{bad}/none"}, r"--rubric: expected a file, found .*/none"),
    ("tokenizer extend", {"--model": "{bad}/none"}, r"/none: expected"),
    ("tokenizer extend", {"--words-file": "{bad}/none"}, r"/none: expected a file"),
    ("tokenizer trim", {"--model": "{bad}/none"}, r"/none: expected"),
    ("adapt-report", {"--after": "{bad}/none"}, r"/none: expected a model folder"),
    ("adapt-report", {"--task": "{bad}/none.yaml"}, r"none\.yaml: expected"),
    ("adapt-report", {"--domain": "{bad}/none"}, r"/none: expected a tokens folder"),
    ("data convert", {"--input": "{bad}/none"}, r"/none: expected"),
    ("data convert", {"--source": "brat", "--target": "macbert", "--input": "{bad}/none"}, r"/none: expected"),
    ("data validate", {"--input": "{bad}/none"}, r"/none: expected a file"),
    ("chatie ner", {"--data": "{bad}/none"}, r"/none: expected a file"),
    ("chatie ner", {"--schema": "{bad}/none.json"}, r"none\.json"),
    # A file or folder with nothing in it.
    ("corpus report", {"": "{bad}/empty"}, r"/empty: expected a corpus folder"),
    ("corpus verify", {"": "{bad}/empty"}, r"/empty: expected a corpus folder"),
    (
        "corpus score train",
        {"--positive": "{bad}/empty.jsonl"},
        r"--positive: expected 10 different texts or more, found 0",
    ),
    ("corpus score train", {"--negative": "{bad}/empty"}, r"/empty: expected"),
    ("tokenizer extend", {"--model": "{bad}/empty"}, r"/empty: expected"),
    ("tokenizer extend", {"--words": None, "--words-file": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("tokenizer trim", {"--model": "{bad}/empty"}, r"/empty: expected"),
    ("data convert", {"--input": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("data convert", {"--source": "brat", "--target": "macbert", "--input": "{bad}/empty"}, r"/empty: expected"),
    ("data convert", {"--source": "conll", "--target": "macbert", "--input": "{bad}/empty.jsonl"}, r"empty\.jsonl"),
    ("data validate", {"--input": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("chatie ner", {"--data": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("adapt-report", {"--before": "{bad}/empty"}, r"/empty: expected a model folder"),
    ("adapt-report", {"--domain": "{bad}/empty"}, r"/empty: expected a tokens folder"),
    # Bytes that changed.
    ("adapt-report", {"--after": "{bad}/run"}, r"model\.safetensors: expected SHA-256"),
    ("adapt-report", {"--domain": "{bad}/tokens"}, r"\.arrow: expected SHA-256"),
    # A line that is not what it should be.
    ("adapt-report", {"--task": "{bad}/key.yaml"}, r"key\.yaml:2: expected a setting"),
    ("corpus score train", {"--positive": "{bad}/no_text_raw.jsonl"}, r"no_text_raw\.jsonl:41: expected"),
    ("corpus score train", {"--positive": "{bad}/not_json.jsonl"}, r"not_json\.jsonl:3: expected"),
    ("corpus score train", {"--negative": "{bad}/both_classes.jsonl"}, r"expected a text in one class"),
    ("data convert", {"--input": "{bad}/no_text.jsonl", "--strict": ""}, r"no_text\.jsonl:3: expected .*text"),
    ("data convert", {"--input": "{bad}/not_json.jsonl", "--strict": ""}, r"not_json\.jsonl:3: expected one JSON"),
    ("data convert", {"--input": "{bad}/span.jsonl", "--strict": ""}, r"span\.jsonl:3: expected .*99"),
    ("data validate", {"--input": "{bad}/no_text.jsonl"}, r"no_text\.jsonl:3: expected .*text"),
    ("data validate", {"--input": "{bad}/not_json.jsonl"}, r"not_json\.jsonl:3: expected one JSON object"),
    ("data validate", {"--input": "{bad}/span.jsonl"}, r"span\.jsonl:3: expected .*99"),
    ("chatie ner", {"--data": "{bad}/span.jsonl"}, r"span\.jsonl:3: expected .*99"),
    # Another encoding where there must be no guessing.
    ("corpus score train", {"--rubric": "{bad}/gbk.txt"}, r"gbk\.txt(:1)?: expected UTF-8, .*iconv -f GB18030"),
    ("tokenizer extend", {"--words": None, "--words-file": "{bad}/gbk.txt"}, r"gbk\.txt:1: expected UTF-8"),
    ("data convert", {"--input": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    (
        "data convert",
        {"--source": "conll", "--target": "macbert", "--input": "{bad}/gbk.txt"},
        r"gbk\.txt:1: expected UTF-8, .*iconv -f GB18030",
    ),
    ("data validate", {"--input": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    ("chatie ner", {"--data": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    ("adapt-report", {"--task": "{bad}/gbk.txt"}, r"gbk\.txt(:1)?: expected UTF-8"),
    # Settings.
    ("adapt-report", {"--seeds": "0"}, r"--seeds: expected"),
    ("corpus score train", {"--epochs": "0"}, r"--epochs: expected"),
    ("tokenizer extend", {"--words": "的"}, r"的"),
    ("tokenizer extend", {"--words": "经济"}, r"经济"),
    ("tokenizer extend", {"--words": None}, r"--words"),
    ("tokenizer extend", {"--slots": "old"}, r"--slots: expected"),
    ("data convert", {"--source": "xml"}, r"--source: expected"),
    ("data convert", {"--source": "cluener"}, r"--target: expected macbert on one side"),
    ("data validate", {"--max-length": "0"}, r"--max-length: expected"),
    # A folder or file of the wrong kind.
    ("adapt-report", {"--domain": "{corpus}"}, r"/corpus: expected a tokens folder"),
    ("corpus report", {"": "{tokens}"}, r"/tokens: expected a corpus folder .* found a tokens folder"),
    ("corpus report", {"": "{raw}"}, r"raw\.jsonl: expected a corpus folder"),
    ("corpus verify", {"": "{tokens}"}, r"/tokens: expected a corpus folder .* found a tokens folder"),
    ("tokenizer extend", {"--model": "{corpus}"}, r"/corpus: expected"),
    ("tokenizer trim", {"--model": "{tokens}"}, r"/tokens: expected"),
    ("data convert", {"--input": "{corpus}"}, r"/corpus: expected a file"),
    ("data convert", {"--source": "squad", "--target": "macbert"}, r"train\.jsonl"),
    ("data validate", {"--input": "{corpus}"}, r"/corpus: expected a file"),
    # An output that would cost somebody their work.
    ("data convert", {"--output": "{bad}/somebody"}, r"/somebody: expected .* found a folder"),
    ("tokenizer extend", {"--output": "{corpus}"}, r"/corpus: expected"),
    ("corpus score train", {"--output": "{corpus}"}, r"/corpus: expected"),
    # Files that changed or were cut on their way.
    ("corpus report", {"": "{bad}/reported"}, r"report\.json: expected"),
    ("corpus verify", {"": "{bad}/corpus"}, r"part-00000\.parquet: expected"),
    ("corpus verify", {"": "{bad}/reported"}, r"report\.json: expected"),
    ("corpus score train", {"--positive": "{bad}/half.parquet"}, r"half\.parquet"),
    ("tokenizer extend", {"--model": "{bad}/run"}, r"run/model\.safetensors: expected"),
    ("tokenizer extend", {"--model": "{bad}/torn_run"}, r"torn_run.*: expected"),
    ("tokenizer trim", {"--model": "{bad}/run"}, r"run/model\.safetensors: expected"),
    ("tokenizer trim", {"--model": "{bad}/torn_run"}, r"torn_run.*: expected"),
    # Exports and the server.
    ("import", {"--input": "{bad}/none"}, r"/none: expected a TensorFlow checkpoint"),
    ("import", {"--input": "{bad}/empty"}, r"/empty: expected one TensorFlow checkpoint .* found none"),
    ("import", {"--input": "{bad}/two_tf"}, r"/two_tf: expected one TensorFlow checkpoint .* other\.index"),
    ("import", {"--input": "{bad}/torn_tf"}, r"as its CRC says, found other bytes"),
    ("import", {"--output": "{corpus}"}, r"/corpus: expected"),
    ("export", {"--format": "tf", "--quantize": "int8"}, r"--quantize: expected none with --format tf"),
    ("export", {"--format": "tf", "--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("export", {"--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("export", {"--model": "{bad}/empty"}, r"/empty: expected a model folder"),
    ("export", {"--model": "{corpus}"}, r"/corpus: expected a model folder"),
    ("export", {"--model": "{bad}/torn_task"}, r"task\.json: expected what fine-tuning wrote"),
    ("export", {"--model": "{bad}/torn_run"}, r"torn_run.*: expected"),
    ("export", {"--output": "{corpus}"}, r"/corpus: expected"),
    ("export", {"--quantize": "int4"}, r"--quantize: expected"),
    ("export", {"--license": " "}, r"--license: expected one line"),
    ("serve", {"--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("serve", {"--model": "{run}"}, r"/run: expected a fine-tuned model"),
    ("serve", {"--task": "classify"}, r"/ner: expected a model for classify, found one for ner"),
    ("serve", {"--host": "0.0.0.0"}, r"--host: expected a token"),
    ("serve", {"--host": "192.0.2.1", "--token-file": "{bad}/file"}, r"/file: expected a token of 16 or more"),
    ("serve", {"--token-file": "{bad}/none"}, r"/none: expected a file with a token"),
    ("serve", {"--token-file": "{bad}/gbk.txt"}, r"gbk\.txt:1: expected UTF-8"),
    ("serve", {"--port": "70000"}, r"--port: expected a number from 0 to 65535"),
    ("serve", {"--allow-origins": "*"}, r"--allow-origins: expected an origin"),
    ("serve", {"--timeout-seconds": "0"}, r"--timeout-seconds: expected"),
    ("studio", {"--corpus": None, "--run": None, "--model": None}, r"--root, --corpus.*: expected something to open"),
    ("studio", {"--root": "{bad}/none"}, r"--root .*/none: expected a folder, found nothing"),
    ("studio", {"--root": "{bad}/file"}, r"--root .*/file: expected a folder, found a file"),
    ("studio", {"--corpus": "{run}"}, r"--corpus .*/run: expected a corpus folder"),
    ("studio", {"--tokens": "{bad}/somebody"}, r"--tokens .*/somebody: expected a folder with a tokenizer"),
    ("studio", {"--run": "{corpus}"}, r"--run .*/corpus: expected a run"),
    ("studio", {"--model": "{bad}/none"}, r"--model .*/none: expected a fine-tuned .*found nothing"),
    ("studio", {"--host": "0.0.0.0"}, r"--host: expected a token"),
    ("studio", {"--chatie": "m", "--endpoint.mode": "oracle"}, r"--endpoint\.mode: expected two-stage"),
    ("studio", {"--max-characters": "0"}, r"--max-characters: expected"),
    ("serve", {"--max-texts": "0"}, r"--max-texts: expected"),
    # Recipes and the doctor.
    ("recipes show", {"": "tinny"}, r"NAME: expected a recipe of the package, found 'tinny'; did you mean 'tiny'"),
    ("recipes show", {"": "corpus/tiny"}, r"NAME: expected a recipe of the package"),
    ("recipes show", {"": "../../setup"}, r"NAME: expected a recipe of the package"),
    ("recipes show", {"": None}, r"--name: expected a value"),
    ("recipes ls", {"": "pretraining"}, r"--kind: expected"),
    ("recipes cp", {"--output": "{bad}/somebody"}, r"/somebody: expected a file or nothing, found a folder"),
    ("recipes cp", {"--output": "{bad}/key.yaml"}, r"key\.yaml: expected no such file yet"),
    ("recipes cp", {"--output": "{bad}/file/tiny.yaml"}, r"file/tiny\.yaml: expected a place in a folder"),
    ("doctor", {"--folder": "{bad}/none"}, r"--folder: expected a folder that exists, found nothing"),
    ("doctor", {"--folder": "{bad}/file"}, r"--folder: expected a folder that exists, found a file"),
    ("doctor", {"--min-free-gb": "-1"}, r"--min-free-gb: expected"),
]


def test_a_mistake_is_told_with_its_place_and_its_cure(mistake: Mistake, refused: Callable[..., list[str]]) -> None:
    command, changes, pattern = mistake
    lines = refused(command, changes)
    assert re.search(pattern, "\n".join(lines)), lines
