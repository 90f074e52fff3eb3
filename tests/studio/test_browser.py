"""A real browser, in Chinese and in English: every tab does its work, and nothing leaves the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WORDS = {
    "Corpus": "语料",
    "Words & masks": "词与掩码",
    "Runs": "训练",
    "Extract": "抽取",
    "Correct": "纠错",
    "Open": "打开",
    "Mask": "掩码",
    "Next": "下一页",
    "Previous": "上一页",
    "Text": "文本",
    "Encoder": "编码器",
    "Run folder": "训练文件夹",
    "Labels (JSON)": "标签（JSON）",
    "Take the fine-tuned model's labels": "用微调模型的标签",
    "Why it was dropped or quarantined": "为什么被去除或隔离",
    "documents": "文档",
    "kept": "保留",
    "similar words (cosine)": "近义词（余弦）",
    "The encoder restores": "编码器还原了",
    "Training loss (nats)": "训练损失（nats）",
    "Entities": "实体",
    "Relations": "关系",
    "Changes": "改动",
    "Before": "之前",
    "Spelling model or pretrained encoder": "纠错模型或预训练编码器",
}


class Page:
    """The studio's page in one language, spoken of in English."""

    def __init__(self, page: Any, language: str) -> None:
        self.page, self.language = page, language
        page.set_default_timeout(60_000)
        self.troubles: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: message.type == "error" and self.troubles.append(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("response", lambda answer: answer.status >= 400 and self.troubles.append(answer.url))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def say(self, english: str) -> str:
        return WORDS.get(english, english) if self.language == "zh" else english

    @property
    def panel(self) -> Any:
        """The tab that is shown."""
        return self.page.locator("[role=tabpanel]:visible")

    def tab(self, english: str) -> None:
        self.page.get_by_role("tab", name=self.say(english), exact=True).click()

    def press(self, english: str) -> None:
        self.panel.get_by_role("button", name=self.say(english), exact=True).click()

    def fill(self, english: str, text: str) -> None:
        self.panel.get_by_label(self.say(english), exact=True).fill(text)

    def choose(self, english: str, option: str) -> None:
        self.panel.get_by_label(self.say(english), exact=True).click()
        self.page.get_by_role("option", name=option).click()

    def sees(self, text: str | re.Pattern[str]) -> Any:
        """Wait until the tab shows a text, and return where."""
        place = self.panel.get_by_text(text).first
        place.wait_for()
        return place


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request: pytest.FixtureRequest, studio: Any, browser: Any) -> Iterator[Page]:
    """The page in one language; its locale is the other's, so that the address alone decides."""
    context = browser.new_context(locale={"zh": "en-US", "en": "zh-CN"}[request.param])
    page = Page(context.new_page(), request.param)
    page.page.goto(f"{studio.address}/{request.param}/")
    yield page
    assert page.troubles == []
    assert page.hosts == {f"127.0.0.1:{studio.port}"}
    context.close()


def test_a_corpus_is_told_and_its_rejected_records_are_read_page_by_page(page: Page) -> None:
    page.tab("Corpus")
    page.press("Open")
    page.sees(page.say("kept"))
    figures = page.panel.get_by_role("cell").all_inner_texts()
    assert {"20", "25", "1"} <= set(figures)
    page.choose("Why it was dropped or quarantined", "exact_duplicate (25)")
    page.sees(re.compile("id: twice0"))
    assert page.panel.locator(".card").count() == 10
    page.press("Next")
    page.sees(re.compile("id: twice10"))
    page.press("Next")
    page.sees(re.compile("id: twice20"))
    assert page.panel.locator(".card").count() == 5
    assert page.panel.get_by_role("button", name=page.say("Next"), exact=True).is_disabled()
    page.press("Previous")
    page.sees(re.compile("id: twice10"))


def test_what_stands_in_a_record_is_shown_and_not_run(page: Page) -> None:
    page.tab("Corpus")
    page.press("Open")
    page.choose("Why it was dropped or quarantined", "too_short (1)")
    page.sees("<b>粗</b>")


def test_masking_shows_words_similar_words_and_what_the_encoder_restores(page: Page) -> None:
    page.tab("Words & masks")
    page.choose("Encoder", "work/encoder")
    page.fill("Text", "使用语言模型来预测下一个词的概率。" * 3)
    page.press("Mask")
    page.sees(page.say("similar words (cosine)"))
    page.sees(re.compile(page.say("The encoder restores")))
    page.sees("语法 0.90")
    assert page.panel.locator("mark").count() > 0
    assert page.panel.locator(".unit").count() > 5


def test_a_run_is_watched_while_it_grows(page: Page, folders: Any) -> None:
    page.tab("Runs")
    page.choose("Run folder", "work/run")
    page.sees(page.say("Training loss (nats)"))
    step = int(page.panel.locator("[data-figure=step] b").inner_text())
    loss = 6 - step / 8
    folders.log({"step": step + 1, "mlm_loss": loss, "sop_loss": 0.69, "tokens_per_second": 2468.0})
    page.sees(f"{loss:.4f}")
    assert page.panel.locator("[data-figure=step] b").inner_text() == str(step + 1)
    assert page.panel.locator("[data-figure=tokens_per_second] b").inner_text() == "2,468"
    assert page.panel.locator("svg polyline").count() == 3


def test_a_fine_tuned_model_and_a_chat_model_read_the_same_text(page: Page) -> None:
    page.tab("Extract")
    page.press("Extract")
    mine, chat = page.panel.locator(".by-model"), page.panel.locator(".by-chat")
    for answer in (mine, chat):
        answer.locator("table").wait_for()
    assert chat.locator("mark").all_inner_texts() == ["王芳", "上海图书馆"]
    assert mine.locator("mark").count() > 0
    page.choose("ChatIE: oracle", "relation")
    page.fill("Labels (JSON)", '[{"predicate": "所在地", "subject_type": "人物", "object_type": "地点"}]')
    page.press("Extract")
    page.sees("所在地")
    page.press("Take the fine-tuned model's labels")
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('textarea')].some(area => area.value === '[\"人物\", \"地点\"]')"
    )


def test_a_text_is_corrected(page: Page) -> None:
    page.tab("Correct")
    page.choose("Spelling model or pretrained encoder", "work/correct")
    page.fill("Text", "李雷昨天坐火车去了北京。")
    page.press("Correct")
    page.sees(page.say("Changes"))
    before, after = page.panel.locator(".text").all_inner_texts()
    assert before == "李雷昨天坐火车去了北京。"
    assert len(after) == len(before)
    assert after != before


def test_the_languages_lead_to_each_other(studio: Any, browser: Any) -> None:
    for locale, first, other in (("zh-CN", "语料", "Corpus"), ("en-GB", "Corpus", "语料")):
        context = browser.new_context(locale=locale)
        page = context.new_page()
        page.goto(f"{studio.address}/")
        page.get_by_role("tab", name=first, exact=True).wait_for()
        page.get_by_role("link", name={"Corpus": "English", "语料": "中文"}[other]).click()
        page.get_by_role("tab", name=other, exact=True).wait_for()
        context.close()


def test_a_token_is_asked_for_and_an_open_page_does_not_hold_up_the_end(
    start: Callable[..., Any], browser: Any, folders: Any, tmp_path: Path
) -> None:
    token = "0123456789abcdef"
    (tmp_path / "token").write_text(token + "\n", encoding="utf-8")
    studio = start("--run", str(folders.run), "--token-file", str(tmp_path / "token"))
    for path in ("/", "/zh/", "/zh/config", "/zh/gradio_api/queue/data?session_hash=a"):
        assert studio.ask("GET", path)[0] == 401
    context = browser.new_context(http_credentials={"username": "me", "password": token})
    page = context.new_page()
    page.goto(f"{studio.address}/en/")
    page.get_by_role("tab", name="Runs", exact=True).click()
    page.get_by_text("Training loss (nats)").wait_for()
    assert studio.stop() == 0
    assert "Traceback" not in studio.said()
    assert "ERROR" not in studio.said()
    context.close()
