"""Folders of every kind, made in a second each from text of our own; a studio of them; a real browser."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "chatie"))

SENTENCES = [
    "王芳在上海图书馆找到了一本旧地图。",
    "使用语言模型来预测下一个词的概率。",
    "李雷昨天坐火车去了北京，今天在大学里上课。",
    "春天的早晨，老人们在公园里打太极拳，孩子们在湖边喂鸭子。",
    "这家书店开了三十年，老板认识每一位常来的读者。",
]
NAMED = SENTENCES[0]


@dataclass(frozen=True)
class Folders:
    """What a studio opens, all below ``root``."""

    root: Path
    corpus: Path
    tokenizer: Path
    encoder: Path
    ner: Path
    correct: Path
    run: Path

    def log(self, *entries: dict[str, Any]) -> None:
        """Append lines to the run's log, as training does."""
        with open(self.run / "log.jsonl", "a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(entry) + "\n" for entry in entries)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Make a folder of every kind."""
    root = tmp_path_factory.mktemp("studio")
    names = [name for name in Folders.__dataclass_fields__ if name != "root"]
    folders = Folders(root, **{name: root / "work" / name for name in names})
    _make_corpus(folders)
    _make_models(folders)
    folders.run.mkdir()
    folders.log({"step": 1, "mlm_loss": 7.5, "sop_loss": 0.7, "tokens_per_second": 1000.0, "tokens": 512})
    # Beside what may be opened, to be looked for.
    (root.parent / "studio-secret").mkdir(exist_ok=True)
    (root.parent / "studio-secret" / "a.jsonl").write_text('{"text": "不可告人"}\n', encoding="utf-8")
    (root / "work" / "out").symlink_to(root.parent / "studio-secret")
    return folders


def _make_corpus(folders: Folders) -> None:
    from corpus import CorpusConfig, build_corpus

    texts = [f"{a}{b}" for a in SENTENCES for b in SENTENCES if a != b]
    lines = [json.dumps({"id": f"d{n}", "text": text}, ensure_ascii=False) for n, text in enumerate(texts)]
    lines += [json.dumps({"id": f"twice{n}", "text": texts[0]}, ensure_ascii=False) for n in range(25)]
    lines += [json.dumps({"id": "markup", "text": "<b>粗</b>"}, ensure_ascii=False), '{"text": ']
    raw = folders.root / "raw.jsonl"
    raw.write_text("\n".join(lines) + "\n", encoding="utf-8")
    steps = ["normalise", {"length": {"min_chars": 12}}, "exact_dedup"]
    build_corpus(CorpusConfig(input=[str(raw)], output=str(folders.corpus), steps=steps, max_bad_ratio=0.5))


def _make_models(folders: Folders) -> None:
    import torch

    from macbert.finetuning.folder import save_finetuned
    from macbert.finetuning.tasks import task_class
    from macbert.finetuning.tasks.corrections import Corrections
    from macbert.modeling import MacBertForPreTraining, model_config
    from macbert.modeling.loading import quiet_transformers
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords, Vocabulary

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({*"".join(SENTENCES), *"语法建模预见几率"})]
    tokenizer = ChineseTokenizer(Vocabulary(words))
    tokenizer.save_pretrained(folders.tokenizer)

    def ids(word: str) -> list[int]:
        return tokenizer.encode(word).input_ids.tolist()

    common = ["使用", "语言", "模型", "预测", "概率", "上海", "北京", "大学", "春天", "早晨"]
    Lexicon.from_counts(common, np.arange(len(common), 0, -1), tokenizer).save(folders.tokenizer)
    pairs = [("语言", "语法"), ("模型", "建模"), ("预测", "预见"), ("概率", "几率"), ("使用", "大学"), ("上海", "北京")]
    SimilarWords.from_rows([(w, ids(w), [(other, ids(other), 0.9)]) for w, other in pairs]).save(folders.tokenizer)
    small = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 1, "intermediate_size": 64}
    with quiet_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        config = model_config("tiny", tokenizer.vocab_size, initializer_range=0.3, **small)
        MacBertForPreTraining(config).save_pretrained(folders.encoder)
        tokenizer.save_pretrained(folders.encoder)
        ner = task_class("ner", "bio")(tokenizer, ["人物", "地点"], max_length=64, stride=16, options={"head": "bio"})
        save_finetuned(ner, ner.build_model(str(folders.encoder), init="pretrained", seed=1), folders.ner)
        # Threshold 0: random weights always know better.
        correct = Corrections.untrained(tokenizer, 64, threshold=0.0)
        model = correct.build_model(str(folders.encoder), init="pretrained", seed=1)
        save_finetuned(correct, model, folders.correct)


class Studio:
    """``macbert studio`` in a process of its own, at a port that it chose."""

    def __init__(self, log: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "macbert", "studio", "--port", "0", *flags]
        root = str(Path(__file__).resolve().parents[2])
        environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        environment.pop("MACBERT_TOKEN", None)
        self._log = log
        with open(log, "w", encoding="utf-8") as stream:
            self.process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
        deadline = time.monotonic() + 300
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", self.said())):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, "the studio does not say where it is"
            time.sleep(0.1)
        self.port = int(found[1])
        self.address = found[0]
        while True:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/health")[0] == 200:
                    return
            assert time.monotonic() < deadline, "the studio does not answer"
            time.sleep(0.1)

    def said(self) -> str:
        """Return what was printed."""
        return self._log.read_text("utf-8")

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers of one request; ``_`` in a header's name is a dash."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"content-type": "application/json", **named})
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def call(self, label: str, *values: Any) -> dict[str, Any]:
        """Press a button of the English page as a program would that sends what it likes; return the last event."""
        config = json.loads(self.ask("GET", "/en/config")[1])
        buttons = {item["id"]: item["props"].get("value") for item in config["components"]}
        number = next(
            event["id"]
            for event in config["dependencies"]
            if any(buttons.get(target) == label and kind == "click" for target, kind in event["targets"])
        )
        session = base64.b32encode(os.urandom(10)).decode().lower()
        body = {"data": values, "fn_index": number, "session_hash": session}
        status, told, _ = self.ask("POST", "/en/gradio_api/queue/join", json.dumps(body).encode())
        assert status == 200, told
        stream = self.ask("GET", f"/en/gradio_api/queue/data?session_hash={session}")[1].decode("utf-8")
        events = [json.loads(line[6:]) for line in stream.split("\n") if line.startswith("data: ")]
        return next(event for event in events if event["msg"] == "process_completed")

    def stop(self) -> int:
        """Return the exit code after SIGTERM."""
        self.process.terminate()
        return self.process.wait(timeout=60)


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Studio]]:
    """Start studios, and end those that a test leaves running."""
    pytest.importorskip("gradio", reason="the studio extra is not installed")
    studios: list[Studio] = []

    def starter(*flags: str) -> Studio:
        studios.append(Studio(tmp_path_factory.mktemp("log") / "studio.log", *flags))
        return studios[-1]

    yield starter
    for studio in studios:
        studio.process.kill()
        studio.process.wait()


@pytest.fixture(scope="session")
def studio(
    folders: Folders, start: Callable[..., Studio], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    """A studio of all the folders, with a chat model that knows one text."""
    from oracle_server import OracleServer

    from macbert.annotations import Entity, Example, Relation

    people = Entity(0, 2, "人物"), Entity(3, 8, "地点")
    gold = [Example(NAMED, entities=people, relations=(Relation(0, "所在地", 1),))]
    cache = tmp_path_factory.mktemp("chat")
    with OracleServer(gold) as oracle:
        chat = ["--chatie", "oracle", "--endpoint.base-url", oracle.base_url, "--endpoint.cache", str(cache)]
        yield start("--root", str(folders.root), "--max-characters", "2000", "--max-body-bytes", "50000", *chat)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium that finds no other machine: Debian's, a Chrome, or Playwright's own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable")
    path = next(filter(None, map(shutil.which, names)), None)
    flags = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += ["--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_api.sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium here; scripts/test.sh installs one where it may (apt, or Playwright's own)")
        # Chromium's own sandbox does not work for root, as in a container.
        sandbox = os.geteuid() != 0
        browser = playwright.chromium.launch(executable_path=path, args=flags, chromium_sandbox=sandbox)
        yield browser
        browser.close()
