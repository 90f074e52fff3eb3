#!/usr/bin/env bash
# Pretrain on all GPUs of this machine (or PROCESSES of its CPU cores) by torchrun.
#
#     bash scripts/launch/one_node.sh base --data data/tokens --output runs/base
#     PROCESSES=2 bash scripts/launch/one_node.sh tiny --data data/tokens --output runs/tiny
#
# The same command again goes on from the newest checkpoint that verifies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
gpus=$(nvidia-smi --list-gpus 2>/dev/null | wc -l || true)
processes=${PROCESSES:-$((gpus > 0 ? gpus : 1))}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} # processes share the cores
exec "${PYTHON:-.venv/bin/python}" -m torch.distributed.run --standalone --nproc_per_node "$processes" \
    -m macbert pretrain "$@"
