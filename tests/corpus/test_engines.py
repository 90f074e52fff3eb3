"""The same bytes from any number of workers and from a Ray cluster; a killed build goes on where it was."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import CorpusConfig, build_corpus
from corpus.files import sha256_file

ROOT = Path(__file__).parents[2]


def hashes(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """Eight files with exact and near duplicates across them, a bad record and personal data."""
    rng = random.Random(5)
    signs = "我们使用语言模型来预测下一个词的概率人工智能技术发展很快天地玄黄宇宙洪荒日月盈昃辰宿列张"
    texts = ["".join(rng.choices(signs, k=120)) for _ in range(240)]
    paths = []
    for number in range(8):
        own = texts[number * 30 : number * 30 + 30]
        own += [rng.choice(texts) for _ in range(5)]
        own += [text[:60] + rng.choice(signs) + text[61:] for text in rng.sample(texts, 5)]
        own += [f"联系电话1380013{number:04d}请尽快回复，谢谢大家。"]
        records = [{"id": f"{number}-{row}", "text": text} for row, text in enumerate(own)]
        path = tmp_path / f"{'hgfedcba'[number]}.jsonl"
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
        paths.append(str(path))
    with open(paths[0], "a", encoding="utf-8") as stream:
        stream.write('{"text": 3}\n')
    return paths


@pytest.fixture
def reference(inputs: list[str], tmp_path: Path) -> dict[str, str]:
    report = build_corpus(CorpusConfig(input=inputs, output=str(tmp_path / "reference")))
    assert report.dropped["exact_duplicate"] > 10
    assert report.dropped["near_duplicate"] > 10
    return hashes(tmp_path / "reference")


@pytest.mark.parametrize("workers", [2, 7])
def test_any_number_of_workers_gives_the_same_bytes(
    workers: int, inputs: list[str], reference: dict[str, str], tmp_path: Path
) -> None:
    build_corpus(CorpusConfig(input=inputs[::-1], output=str(tmp_path / "out"), workers=workers))
    assert hashes(tmp_path / "out") == reference


def test_little_memory_changes_no_byte(inputs: list[str], reference: dict[str, str], tmp_path: Path) -> None:
    from corpus.dedup import groups

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "_BYTES_A_ROW", 1 << 16)  # 350 documents now take 22 MB: 32 parts of the keys
        build_corpus(CorpusConfig(input=inputs, output=str(tmp_path / "out"), memory=1))
    assert hashes(tmp_path / "out") == reference


@pytest.fixture
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20},
    )
    try:
        cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
        cluster.wait_for_nodes()
        yield cluster.address
    finally:
        cluster.shutdown()


def test_a_ray_cluster_of_two_nodes_gives_the_same_bytes(
    two_nodes: str, inputs: list[str], reference: dict[str, str], tmp_path: Path
) -> None:
    # In a process of its own: Ray leaves threads and warnings behind.
    code = (
        "import sys; from corpus import CorpusConfig, build_corpus\n"
        "build_corpus(CorpusConfig(input=sys.argv[3:], output=sys.argv[1], engine='ray', address=sys.argv[2]))\n"
        "import ray; ray.init(address=sys.argv[2], log_to_driver=False)\n"
        "print('nodes', sum(node['Alive'] for node in ray.nodes()))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "out"), two_nodes, *inputs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nodes 2" in done.stdout
    assert hashes(tmp_path / "out") == reference


def start(inputs: list[str], output: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from corpus import CorpusConfig, build_corpus\n"
        "build_corpus(CorpusConfig(input=sys.argv[2:], output=sys.argv[1]))\n"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(output), *inputs], cwd=ROOT)


def test_a_build_killed_between_files_goes_on_and_gives_the_same_bytes(
    inputs: list[str], reference: dict[str, str], tmp_path: Path
) -> None:
    process = start(inputs, tmp_path / "out")
    work = tmp_path / ".out.work"
    deadline = time.monotonic() + 60
    while len(list(work.glob("file-*/done.json"))) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out").exists()
    finished = {path: path.stat().st_mtime_ns for path in work.glob("file-*/done.json")}
    seen: list[tuple[str, int, int | None]] = []
    build_corpus(CorpusConfig(input=inputs, output=str(tmp_path / "out")), lambda *args: seen.append(args))
    assert ("clean", len(finished), 8) in seen
    assert hashes(tmp_path / "out") == reference
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def check_kills(inputs: list[str], folder: Path, first: int, step: int) -> None:
    """See ``killed_builds.py`` beside this file: kill a build at operations on files, and build again after each."""
    command = [sys.executable, str(Path(__file__).with_name("killed_builds.py")), str(folder), str(first), str(step)]
    done = subprocess.run([*command, *inputs], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert points[0]["of"] > 150
    assert [point["at"] for point in points] == list(range(first, points[0]["of"] + 1, step))
    wanted = {"killed": True, "again": 0, "left": ["out"], "same": True}
    assert [point for point in points if {name: point[name] for name in wanted} != wanted] == []


def test_a_build_killed_at_some_operations_on_files_gives_the_same_bytes_when_run_again(
    inputs: list[str], tmp_path: Path
) -> None:
    check_kills(inputs[:3], tmp_path / "killed", 7, 29)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # a minute on a quiet machine
def test_a_build_killed_at_any_operation_on_files_gives_the_same_bytes_when_run_again(
    inputs: list[str], tmp_path: Path
) -> None:
    check_kills(inputs[:3], tmp_path / "killed", 1, 1)


def test_no_worker_outlives_a_killed_build(inputs: list[str], tmp_path: Path) -> None:
    code = (
        "import sys, os, signal\n"
        "from corpus.engine import make_engine\n"
        "engine = make_engine('local', 2).__enter__()\n"
        "list(engine('corpus.engine.jobs:worker_number', [{}, {}]))\n"
        "print(*[process.pid for process in engine._processes], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    workers = [int(number) for number in done.stdout.split()]
    assert len(workers) == 2

    def alive(number: int) -> bool:
        try:
            state = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
        except OSError:
            return False
        return state != "Z"

    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
