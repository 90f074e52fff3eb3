"""The page in one language: its tabs, its style, and the link to the other language."""

from __future__ import annotations

from typing import Any

from macbert.studio.desk import Desk
from macbert.studio.layout import Choice
from macbert.studio.markup import LANGUAGES, STYLE
from macbert.studio.tabs import corpus_folder, correct, extract, runs, words

FONTS = ["system-ui", "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", "sans-serif"]
"""What the reader's machine has; nothing is fetched."""

WAITING = 64
"""Requests that may wait; a further one is told to come again."""


def build_page(desk: Desk, language: str) -> Any:
    """Return Gradio's Blocks of the page in one language."""
    import gradio as gr

    say = LANGUAGES[language]
    tabs = (
        (say("语料", "Corpus"), corpus_folder.lay_out),
        (say("词与掩码", "Words & masks"), words.lay_out),
        (say("训练", "Runs"), runs.lay_out),
        (say("抽取", "Extract"), extract.lay_out),
        (say("纠错", "Correct"), correct.lay_out),
    )
    other, name = ("en", "English") if language == "zh" else ("zh", "中文")
    choices: list[Choice] = []
    with gr.Blocks(title="macbert studio", analytics_enabled=False, fill_width=False) as page:
        link = f'<a href="/{other}/" hreflang="{other}" lang="{other}">{name}</a>'
        gr.HTML(f'<div class="mb head"><b>macbert studio</b>{link}</div>')
        for label, lay_out in tabs:
            with gr.Tab(label):
                choices += lay_out(desk, say)
        if choices:

            def filled(*chosen: Any) -> Any:
                lists = [choice.fill(desk, value) for choice, value in zip(choices, chosen, strict=True)]
                return lists if len(lists) > 1 else lists[0]

            lists = [choice.dropdown for choice in choices]
            page.load(filled, lists, lists, api_visibility="private", show_progress="hidden")
    page.queue(max_size=WAITING, default_concurrency_limit=4)
    return page


def mounted(app: Any, desk: Desk) -> Any:
    """Return a FastAPI application with the pages at /zh and /en."""
    import gradio as gr

    theme = gr.themes.Default(font=FONTS, font_mono=["ui-monospace", "monospace"])
    for language in LANGUAGES:
        app = gr.mount_gradio_app(
            app,
            build_page(desk, language),
            path=f"/{language}",
            footer_links=[],
            run_history=False,
            show_error=False,
            allowed_paths=[],
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=theme,
            css=STYLE,
        )
    return app
