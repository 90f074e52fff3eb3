#!/usr/bin/env bash
# Pretrain on several machines by torchrun: the same command on each, every machine seeing the same folders.
#
#     NODES=4 HEAD=node0:29500 bash scripts/launch/many_nodes.sh large --data /shared/tokens --output /shared/runs/large
#
# NODES machines meet at HEAD (host:port of any of them). A process that is lost ends the step for all; torchrun starts
# all again (up to RESTARTS times), and they go on from the newest checkpoint.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${NODES:?how many machines}" "${HEAD:?host:port of one of them}"
gpus=$(nvidia-smi --list-gpus 2>/dev/null | wc -l || true)
processes=${PROCESSES:-$((gpus > 0 ? gpus : 1))}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "${PYTHON:-.venv/bin/python}" -m torch.distributed.run --nnodes "$NODES" --nproc_per_node "$processes" \
    --rdzv_backend c10d --rdzv_endpoint "$HEAD" --rdzv_id "${RUN_ID:-macbert}" --max_restarts "${RESTARTS:-3}" \
    -m macbert pretrain "$@"
