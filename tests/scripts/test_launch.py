"""The launch scripts start what they say, with all of the user's words."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "launch"
RUN = ["tiny", "--data", "a folder/tokens", "--output", "runs/x"]


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A stand-in for Python that prints its words, a line each, and how many threads it may use."""
    path = tmp_path / "python"
    path.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\necho "threads=${OMP_NUM_THREADS:-}"\n')
    path.chmod(0o755)
    return path


def launched(script: str, python: Path, **environment: str) -> list[str]:
    values = {**os.environ, "PYTHON": str(python), **environment}
    values.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        ["bash", str(SCRIPTS / script), *RUN], env=values, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


def test_one_node_starts_its_processes_with_torchrun(python: Path) -> None:
    words = launched("one_node.sh", python, PROCESSES="2")
    assert words[:4] == ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    assert words[4] == "2"
    assert words[5:] == ["-m", "macbert", "pretrain", *RUN, "threads=1"]


def test_accelerate_gets_its_configuration_and_the_run(python: Path) -> None:
    words = launched("accelerate.sh", python, ACCELERATE_CONFIG="scripts/launch/fsdp.yaml")
    assert words[:4] == ["-m", "accelerate.commands.launch", "--config_file", "scripts/launch/fsdp.yaml"]
    assert words[4:-1] == ["-m", "macbert", "pretrain", *RUN]
    assert "--config_file" not in launched("accelerate.sh", python)


def test_many_nodes_meet_at_the_head(python: Path) -> None:
    words = launched("many_nodes.sh", python, NODES="4", HEAD="node0:29500", PROCESSES="8")
    settings = dict(zip(words[2:16:2], words[3:16:2], strict=True))
    assert settings["--nnodes"] == "4"
    assert settings["--nproc_per_node"] == "8"
    assert settings["--rdzv_endpoint"] == "node0:29500"
    assert words[-len(RUN) - 4 : -1] == ["-m", "macbert", "pretrain", *RUN]


def test_many_nodes_without_a_head_say_so(python: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("NODES", "HEAD")}
    done = subprocess.run(
        ["bash", str(SCRIPTS / "many_nodes.sh"), *RUN], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "how many machines" in done.stderr


def test_slurm_joins_its_nodes_and_puts_a_stopped_job_back(python: Path, tmp_path: Path) -> None:
    """With stand-ins for Slurm's commands: srun runs the script once, scontrol names hosts and takes the requeue."""
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(
        f'#!/usr/bin/env bash\n[ "$1" = show ] && printf "n0\\nn1\\n" || echo "$@" >> {tmp_path}/requeued\n'
    )
    srun = tmp_path / "srun"
    stop = '[ -z "${STOP:-}" ] || kill -TERM $PPID'
    srun.write_text(f'#!/usr/bin/env bash\n"$@" > {tmp_path}/words\n{stop}\nsleep 1\n')
    for path in (scontrol, srun):
        path.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHON": str(python),
        "SLURM_SUBMIT_DIR": str(SCRIPTS.parents[1]),
        "SLURM_NNODES": "2",
        "SLURM_JOB_NODELIST": "n[0-1]",
        "SLURM_JOB_ID": "77",
    }
    for asked, requeued in (("", ""), ("yes", "requeue 77\n")):
        done = subprocess.run(
            ["bash", "scripts/launch/slurm.sh", *RUN],
            env={**environment, "STOP": asked},
            cwd=SCRIPTS.parents[1],
            timeout=60,
            check=False,
        )
        assert done.returncode == 0
        words = (tmp_path / "words").read_text().splitlines()
        assert words[words.index("--rdzv_endpoint") + 1] == "n0:20077"
        assert words[words.index("--rdzv_id") + 1] == "77"
        assert words[-len(RUN) - 1 : -1] == RUN
        assert ((tmp_path / "requeued").read_text() if (tmp_path / "requeued").exists() else "") == requeued
