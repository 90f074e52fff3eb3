#!/usr/bin/env bash
# Secrets planted 0, 1, 4, 16 and 64 times in the demo's text, an encoder pretrained on it, and what the audit finds:
#
#   bash scripts/reproduce/audit.sh [OUTPUT [further settings of macbert pretrain]]      default OUTPUT: runs/audit
#   bash scripts/reproduce/audit.sh runs/audit --max-steps 500                           a smaller budget
#
# About 15 minutes on 2 CPU cores.
# A stage whose folder is there is not done again.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../setup-venv.sh"
set_up_venv demo
export HF_HUB_OFFLINE=1
output="${1:-runs/audit}"
shift $(($# ? 1 : 0))
macbert() { "$VENV_PYTHON" -P -m macbert "$@"; }
stage() { # stage FOLDER COMMAND...: run a command that makes a folder, once
    [ -f "$1/manifest.json" ] || "${@:2}"
}

mkdir -p "$output"
[ -d "$output/raw" ] || "$VENV_PYTHON" -P -c 'import sys; from pathlib import Path
from macbert.demo.labelled import write_raw
write_raw(Path(sys.argv[1]))' "$output/raw"
stage "$output/canaries" macbert audit plant --input "$output/raw" --output "$output/canaries"
stage "$output/corpus" macbert corpus build --input "$output/canaries/documents.jsonl" --output "$output/corpus" --preset keep-all
stage "$output/tokenizer" macbert tokenizer train --input "$output/corpus" --output "$output/tokenizer" --vocab-size 8000
[ -f "$output/tokenizer/similar.safetensors" ] ||
    macbert tokenizer similar --input "$output/corpus" --tokenizer "$output/tokenizer" --output "$output/tokenizer"
stage "$output/tokens" macbert tokenizer encode --input "$output/corpus" --tokenizer "$output/tokenizer" --output "$output/tokens"
stage "$output/run" macbert pretrain tiny --data "$output/tokens" --output "$output/run" "$@"
macbert audit --model "$output/run" --output "$output/audit" --canaries "$output/canaries/canaries.jsonl" --write-card
