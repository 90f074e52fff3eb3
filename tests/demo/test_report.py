"""The page stands alone, escapes what it shows, and draws every point."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from macbert.demo.report import DemoReport, MaskedToken, Stage, render


def page(**changes: object) -> str:
    values = {
        "stages": [Stage("corpus build", "3 records", "2 documents", 1.25, "1 duplicate dropped")],
        "comparison": [{"seed": 0, "ner strict_span_f1, pretrained": 0.8123, "ner strict_span_f1, random": 0.5}],
        "losses": [(10, 8.5), (20, 7.25), (30, 6.0)],
        "held_out": [(20, 7.5), (30, 6.5)],
        "masked": [
            MaskedToken("语", "语", None, ""),
            MaskedToken("言", "法", "言", "similar"),
            MaskedToken("模", "鸟", "鸟", "random"),
        ],
        "predictions": [
            {"text": "<b>李雷</b>在北京", "entities": [{"start": 3, "end": 5, "type": "person"}], "label": "positive"}
        ],
        "versions": {"torch": "2.13.0"},
    }
    return render(DemoReport(**(values | changes)))


class Balance(HTMLParser):
    """Notes tags that are closed out of order."""

    VOID = frozenset({"meta", "br", "line", "circle", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


def test_every_tag_is_closed_in_order() -> None:
    parser = Balance()
    parser.feed(page())
    assert parser.wrong == []
    assert parser.open == []


def test_text_from_outside_is_escaped() -> None:
    assert "&lt;b&gt;" in page()
    assert "<b>李雷" not in page()


def test_a_name_is_marked_where_it_stands() -> None:
    assert '<mark class="person">李雷<sub>person</sub></mark>' in page()


def test_nothing_is_loaded_from_outside() -> None:
    assert not re.search(r"<(script|link|img|iframe)|https?://|url\(", page())


def test_right_and_wrong_restorations_are_told_apart() -> None:
    assert '<span class="right">言</span>' in page()
    assert '<span class="wrong">鸟</span>' in page()


def test_each_curve_has_a_point_for_each_logged_step() -> None:
    curves = [line.split() for line in re.findall(r'<polyline points="([^"]*)"', page())]
    assert [len(curve) for curve in curves] == [3, 2]
    heights = [float(point.split(",")[1]) for point in curves[0]]
    assert heights == sorted(heights), "a falling loss is drawn downwards"


def test_a_run_without_logged_steps_says_so() -> None:
    assert "No step was logged" in page(losses=[], held_out=[])
