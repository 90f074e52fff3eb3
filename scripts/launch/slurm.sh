#!/usr/bin/env bash
#SBATCH --job-name=macbert
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
# Pretrain under Slurm, on one node or many:
#
#     sbatch --nodes 4 --time 24:00:00 scripts/launch/slurm.sh large --data /shared/tokens --output /shared/runs/large
#
# Five minutes before the time is up every process gets SIGTERM: the state is saved, the job ends with 0 and is put back
# into the queue; it then goes on from there.
set -euo pipefail
cd "${SLURM_SUBMIT_DIR:?start this with sbatch, in the checkout}"
NODES=$SLURM_NNODES
HEAD=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p):$((20000 + SLURM_JOB_ID % 20000))
RUN_ID=$SLURM_JOB_ID
export NODES HEAD RUN_ID
srun bash scripts/launch/many_nodes.sh "$@" &
steps=$!
stopped=
trap 'stopped=yes; kill -TERM "$steps"' TERM
wait "$steps" || true
if [ -n "$stopped" ]; then
    wait "$steps" || true
    scontrol requeue "$SLURM_JOB_ID"
else
    wait "$steps"
fi
