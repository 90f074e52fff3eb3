"""The pictures of docs/studio.md and docs/studio.zh.md, from text of our own: some minutes on 2 cores.

    .venv/bin/python scripts/docs/screenshots.py [--work DIR]

Makes a corpus, a tokenizer, an encoder, an extractor and a spelling model in DIR (what is there already is kept),
starts `macbert studio` on them and takes a picture of every tab in both languages. The chat model beside the extractor
is the tests' stand-in, which answers from gold.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "chatie"), str(Path(__file__).parent)]

PORT = 7861
PICTURES = ROOT / "docs" / "studio"
CHAT_TEXT = "王芳在上海图书馆找到了一本旧地图，明天和李雷坐火车去北京大学。"
WRONG_TEXT = "周末韩梅梅和张伟坐货车去杭州旅由，心里很高心。"


def macbert(command: str, **settings: Any) -> None:
    """Run a command, unless its output is there."""
    output = settings.get("output")
    if output and (Path(output) / "manifest.json").exists() and "similar" not in command:
        return
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    subprocess.run([sys.executable, "-P", "-m", "macbert", *command.split(), *flags, "--quiet"], check=True, env=ENV)


ENV = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}


def prepare(work: Path) -> None:
    """Walk the road."""
    from studio_text import write_texts

    if not (work / "raw.jsonl").exists():
        write_texts(work)
    corpus, tokenizer, tokens, runs = work / "corpus", work / "tokenizer", work / "tokens", work / "runs"
    macbert("corpus build", input=work / "raw.jsonl", output=corpus)
    if not tokens.exists():
        macbert("tokenizer train", input=corpus, output=tokenizer, vocab_size=2000)
        macbert("tokenizer similar", input=corpus, tokenizer=tokenizer, output=tokenizer, min_count=3)
    macbert("tokenizer encode", input=corpus, tokenizer=tokenizer, output=tokens, heldout_fraction=0.03)
    macbert(
        "pretrain",
        model="tiny",
        data=tokens,
        output=runs / "encoder",
        max_steps=400,
        global_batch_size=16,
        max_length=128,
        learning_rate=2e-3,
        logging_steps=10,
        eval_steps=50,
    )
    common = {"model": runs / "encoder", "learning_rate": 5e-4}
    ner, spelling = work / "ner-train.jsonl", work / "spelling-train.jsonl"
    macbert("finetune ner", train=ner, dev=work / "ner-dev.jsonl", output=runs / "names", num_train_epochs=6, **common)
    dev = work / "spelling-dev.jsonl"
    macbert("finetune correct", train=spelling, dev=dev, output=runs / "spelling", num_train_epochs=8, **common)


@contextlib.contextmanager
def studio(work: Path) -> Iterator[str]:
    """Start the page with the stand-in for a chat model beside it."""
    from oracle_server import OracleServer

    from macbert.annotations import Entity, Example

    spans = (("王芳", "人物"), ("上海图书馆", "地点"), ("李雷", "人物"), ("北京大学", "地点"))
    gold = [(CHAT_TEXT.index(name), CHAT_TEXT.index(name) + len(name), kind) for name, kind in spans]
    with OracleServer([Example(CHAT_TEXT, entities=tuple(Entity(*span) for span in gold))]) as oracle:
        flags = ["--root", str(work), "--port", str(PORT), "--chatie", "chat-model", "--quiet"]
        flags += ["--endpoint.base-url", oracle.base_url, "--endpoint.cache", str(work / "chat")]
        process = subprocess.Popen([sys.executable, "-P", "-m", "macbert", "studio", *flags], env=ENV)
        try:
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=5).close()
                    break
                assert process.poll() is None
                time.sleep(0.2)
            yield f"http://127.0.0.1:{PORT}"
        finally:
            process.terminate()
            process.wait()


def photograph(address: str, language: str) -> None:
    """Take the pictures of one language."""
    from playwright.sync_api import sync_playwright

    def say(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    names = ("chromium-headless-shell", "chromium", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        locale = say("zh-CN", "en-GB")
        page = browser.new_page(locale=locale, viewport={"width": 1000, "height": 700}, color_scheme="light")
        page.set_default_timeout(120_000)
        page.goto(f"{address}/{language}/")
        panel = page.locator("[role=tabpanel]:visible")

        def choose(label: str, option: str) -> None:
            panel.get_by_label(label, exact=True).click()
            page.get_by_role("option", name=option).first.click()

        def press(name: str) -> None:
            panel.get_by_role("button", name=name, exact=True).click()

        def tab(name: str) -> None:
            page.get_by_role("tab", name=name, exact=True).click()

        def shot(name: str) -> None:
            page.mouse.move(0, 0)
            page.evaluate("document.activeElement.blur()")
            page.wait_for_timeout(700)
            page.screenshot(path=PICTURES / f"{name}.{language}.png", full_page=True)

        press(say("打开", "Open"))
        panel.locator("table").first.wait_for()
        choose(say("为什么被去除或隔离", "Why it was dropped or quarantined"), "near_duplicate")
        panel.locator(".card").first.wait_for()
        page.evaluate("document.querySelectorAll('.card').forEach((card, n) => n > 2 && card.remove())")
        shot("corpus")

        tab(say("词与掩码", "Words & masks"))
        choose(say("编码器", "Encoder"), "runs/encoder")
        panel.get_by_label(say("文本", "Text"), exact=True).fill(
            "老师告诉王芳，使用语言模型可以预测下一个词的概率。周末李雷在南京给朋友买了一张地图。"
        )
        panel.get_by_label(say("种子", "Seed"), exact=True).fill("4")
        press(say("掩码", "Mask"))
        panel.locator(".unit").first.wait_for()
        shot("words")

        tab(say("训练", "Runs"))
        choose(say("训练文件夹", "Run folder"), "runs/encoder")
        panel.locator("[data-figure=tokens_per_second]").wait_for()
        shot("runs")

        tab(say("抽取", "Extract"))
        choose(say("微调模型", "Fine-tuned model"), "runs/names")
        panel.get_by_label(say("文本", "Text"), exact=True).fill(CHAT_TEXT)
        press(say("抽取", "Extract"))
        for answer in (".by-model", ".by-chat"):
            panel.locator(answer).locator("table").wait_for()
        shot("extract")

        tab(say("纠错", "Correct"))
        choose(say("纠错模型或预训练编码器", "Spelling model or pretrained encoder"), "runs/spelling")
        panel.get_by_label(say("文本", "Text"), exact=True).fill(WRONG_TEXT)
        press(say("纠错", "Correct"))
        panel.locator("table").wait_for()
        shot("correct")
        browser.close()


def main() -> None:
    """Read the flags, make the folders, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", help="folder for corpus, tokens and models; default: a temporary one")
    given = parser.parse_args().work
    with contextlib.ExitStack() as stack:
        work = Path(given or stack.enter_context(tempfile.TemporaryDirectory()))
        work.mkdir(parents=True, exist_ok=True)
        PICTURES.mkdir(parents=True, exist_ok=True)
        prepare(work)
        with studio(work) as address:
            for language in ("zh", "en"):
                photograph(address, language)


if __name__ == "__main__":
    main()
