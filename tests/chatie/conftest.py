"""Small gold texts for each task, and the server that answers from them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from macbert.annotations import Argument, Entity, Event, Example, Relation, Trigger


def spans(text: str, *surfaces: str) -> list[tuple[int, int]]:
    """Return where each surface stands first."""
    return [(text.index(s), text.index(s) + len(s)) for s in surfaces]


def named(text: str, **names: str) -> Example:
    """Return a text whose names are given as ``surface=type``."""
    return Example(text, entities=tuple(Entity(*spans(text, s)[0], kind) for s, kind in names.items()))


@pytest.fixture
def ner_gold() -> list[Example]:
    return [
        named("李雷在北京大学学习。", 李雷="人物", 北京大学="机构"),
        named("韩梅梅从上海飞到了巴黎，李雷没有去。", 韩梅梅="人物", 上海="地点", 巴黎="地点", 李雷="人物"),
        Example("今天天气很好。", entities=()),
        named("微软公司在西雅图。", 微软公司="机构", 西雅图="地点"),
    ]


@pytest.fixture
def relation_gold() -> list[Example]:
    first = "《红蔷薇》由金晔执导，杨子姗在《红蔷薇》中饰演夏雨竹。"
    parts = spans(first, "《红蔷薇》", "金晔", "杨子姗", "夏雨竹")
    kinds = ("影视作品", "人物", "人物", "人物")
    entities = tuple(Entity(*span, kind) for span, kind in zip(parts, kinds, strict=True))
    second = "李雷生于北京，韩梅梅生于上海。"
    more = tuple(
        Entity(*span, kind)
        for span, kind in zip(
            spans(second, "李雷", "北京", "韩梅梅", "上海"), ("人物", "地点", "人物", "地点"), strict=True
        )
    )
    return [
        Example(
            first,
            entities=entities,
            relations=(Relation(0, "导演", 1), Relation(2, "饰演", 3, {"inWork": 0})),
        ),
        Example(second, entities=more, relations=(Relation(0, "出生地", 1), Relation(2, "出生地", 3))),
        Example("今天没有什么关系。", entities=(), relations=()),
    ]


@pytest.fixture
def event_gold() -> list[Example]:
    text = "7月17日，甲公司裁员百人，乙公司和丙公司宣布合并。"
    day, cut, first, second, third, merged = spans(text, "7月17日", "裁员", "甲公司", "乙公司", "丙公司", "合并")
    return [
        Example(
            text,
            events=(
                Event("裁员", Trigger(*cut), (Argument("时间", *day), Argument("裁员方", *first))),
                # One role twice: the published code keeps only the last.
                Event("合并", Trigger(*merged), (Argument("合并方", *second), Argument("合并方", *third))),
            ),
        ),
        Example("今天什么也没有发生。", events=()),
    ]


@pytest.fixture
def gold(
    request: pytest.FixtureRequest, ner_gold: Any, relation_gold: Any, event_gold: Any
) -> dict[str, list[Example]]:
    return {"ner": ner_gold, "relation": relation_gold, "event": event_gold}
