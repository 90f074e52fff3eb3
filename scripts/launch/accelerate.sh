#!/usr/bin/env bash
# Pretrain by accelerate, with what `accelerate config` was told (DDP, FSDP, DeepSpeed, machines ...), or with the file in
# ACCELERATE_CONFIG.
#
#     bash scripts/launch/accelerate.sh base --data data/tokens --output runs/base
#     ACCELERATE_CONFIG=scripts/launch/fsdp.yaml bash scripts/launch/accelerate.sh large --data ... --output ...
#     ACCELERATE_CONFIG=scripts/launch/deepspeed.yaml bash scripts/launch/accelerate.sh large --data ... --output ...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
config=()
[ -z "${ACCELERATE_CONFIG:-}" ] || config=(--config_file "$ACCELERATE_CONFIG")
exec "${PYTHON:-.venv/bin/python}" -m accelerate.commands.launch "${config[@]}" -m macbert pretrain "$@"
