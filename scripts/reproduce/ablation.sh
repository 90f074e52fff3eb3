#!/usr/bin/env bash
# Does MacBERT masking help? The same encoder, corpus, tokens and fine-tuning with each way of masking, over seeds:
#
#   bash scripts/reproduce/ablation.sh                                        wwm, random, mac x 3 seeds x NER and reviews, 2 CPU cores
#   bash scripts/reproduce/ablation.sh --systems mlm wwm wwm+ngram random mac mac-no-sop mac-nsp
#   bash scripts/reproduce/ablation.sh --spelling sighan15.jsonl      spelling mistakes, for the encoders as they are, too
#   bash scripts/reproduce/ablation.sh --tokens TOKENS --task ner:msra:DIR --task classify:tnews:DIR --task correct:sighan15:DIR \
#                                      --model base --max-steps 100000     (DIR holds train.jsonl, dev.jsonl, test.jsonl)
#
# What is finished is never run again: stop it when you like, the same command goes on. The table is printed, and stands in
# OUTPUT/table.md beside the paper's own ablation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../setup-venv.sh"
set_up_venv demo
export HF_HUB_OFFLINE=1
exec "$VENV_PYTHON" -P "$(dirname "${BASH_SOURCE[0]}")/ablation.py" "$@"
