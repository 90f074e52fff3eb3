#!/usr/bin/env bash
# The oldest versions that setup.py allows, in an environment of their own (.venv-lowest), and a sample of the tests on them.
#   bash scripts/test-lowest.sh [pytest arguments]     PYTHON=... names the interpreter, by default the oldest that is here
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
VENV="$ROOT/.venv-lowest"
PYTHON="${PYTHON:-$(command -v python3.11 || command -v python3)}"

# What a user meets: each floor, its borders with other libraries, and the door. Not the proofs of our own arithmetic.
SAMPLE=(
    tests/annotations/test_reading.py tests/chatie/test_command.py tests/cli/test_completion.py tests/cli/test_door.py
    tests/config tests/corpus/test_build.py tests/corpus/test_readers.py tests/corpus/test_steps.py tests/doctor
    tests/examples/test_pretraining_examples.py tests/exporting tests/extraction tests/finetuning/test_finetune.py
    tests/masking/test_collator.py tests/metrics tests/modeling tests/pretraining/test_resume.py tests/serving/test_server.py
    tests/tokenizer/test_chinese.py tests/tokenizer/test_encoding.py tests/tokenizer/test_segmenter.py
    tests/tokenizer/test_similar.py tests/tokenizer/test_training.py tests/test_hfl_shape.py tests/test_readme.py
)

[ -x "$VENV/bin/uv" ] || { "$PYTHON" -m venv "$VENV" && "$VENV/bin/python" -m pip install --quiet "uv>=0.9,<0.14"; }
# uv takes for each requirement of setup.py the oldest version that its range allows, for what those need the newest.
# A CPU build of torch: UV_TORCH_BACKEND=cpu.
"$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --resolution lowest-direct \
    --editable "${ROOT}[chatie,corpus,demo,export,serve,test]"
"$VENV/bin/uv" pip list --python "$VENV/bin/python" --format freeze

export HF_HUB_OFFLINE=1 LC_ALL=C.UTF-8
"$VENV/bin/python" -m macbert doctor
# Warnings of old libraries are theirs; the newest ones are held to none by scripts/test.sh.
exec "$VENV/bin/python" -m pytest -m "not slow" -W default "${SAMPLE[@]}" "$@"
