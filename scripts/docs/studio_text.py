"""Text of our own for the studio's pictures: plain sentences of people, places and things, their names marked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("、"))


PEOPLE = _listed("王芳、李雷、韩梅梅、张伟、刘洋、陈静、杨帆、赵敏、周涛、吴磊、孙丽、马超、朱琳、胡军、何洁")
PLACES = _listed("上海、北京、南京、杭州、成都、西安、武汉、苏州、上海图书馆、北京大学、西湖公园、南京博物馆")
THINGS = _listed("地图、照片、小说、画册、日记、邮票、钢笔、唱片")
TIMES = _listed("今天、昨天、明天、去年、春天、夏天、周末、早晨")
PATTERNS = (
    "{time}{person}在{place}找到了一本旧{thing}。",
    "{person}和{other}坐火车去{place}旅游，心里很高兴。",
    "{time}，{person}在{place}给朋友买了一张{thing}。",
    "{person}说，{place}的{time}比{town}的{time}更安静。",
    "因为喜欢{thing}，{person}常常到{place}去看展览。",
    "{other}把{thing}忘在{place}了，{person}{time}帮他取回来。",
    "{time}的{place}人很多，{person}等了一个小时才见到{other}。",
    "老师告诉{person}，使用语言模型可以预测下一个词的概率。",
)
MISTAKES = {
    "高兴": "高心",
    "旅游": "旅由",
    "朋友": "朋有",
    "火车": "货车",
    "常常": "长长",
    "安静": "安净",
    "展览": "展蓝",
}

Row = dict[str, Any]


def sentence(rng: random.Random) -> Row:
    """Return one sentence with its people and places."""
    person, other = rng.sample(PEOPLE, 2)
    place, town = rng.sample(PLACES, 2)
    values = {"person": person, "other": other, "place": place, "town": town}
    values |= {"thing": rng.choice(THINGS), "time": rng.choice(TIMES)}
    text, entities = "", []
    for part in rng.choice(PATTERNS).replace("{", "\0{").replace("}", "}\0").split("\0"):
        name = part.strip("{}")
        if part.startswith("{"):
            part = values[name]
            kind = {"person": "人物", "other": "人物", "place": "地点", "town": "地点"}.get(name)
            if kind:
                entities.append({"start": len(text), "end": len(text) + len(part), "type": kind})
        text += part
    return {"text": text, "entities": entities}


def misspelt(rng: random.Random) -> Row:
    """Return a sentence in which some words are misspelt, and what it should be."""
    right = sentence(rng)["text"]
    wrong = right
    for word, mistake in MISTAKES.items():
        if rng.random() < 0.7:
            wrong = wrong.replace(word, mistake)
    return {"source": wrong, "target": right}


def write_texts(folder: Path, seed: int = 0) -> None:
    """Write ``raw.jsonl`` (documents, and what a build drops), and labelled names and mistakes for training and dev."""
    rng = random.Random(seed)
    texts = ["".join(sentence(rng)["text"] for _ in range(rng.randint(3, 8))) for _ in range(900)]
    raw: list[Row] = [{"id": f"page-{n}", "text": text} for n, text in enumerate(texts)]
    raw += [{"id": f"again-{n}", "text": raw[n]["text"]} for n in range(40)]
    raw += [{"id": f"near-{n}", "text": raw[n]["text"].replace("。", "！", 1)} for n in range(100, 118)]
    raw += [{"id": f"short-{n}", "text": text} for n, text in enumerate(("好", "谢谢", "再见", "是", "顶"))]
    lines = [json.dumps(row, ensure_ascii=False) for row in raw]
    lines[500:500] = ['{"id": "torn", "text": "一行没有写', '{"id": "no-text"}']
    (folder / "raw.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, make, count in (
        ("ner-train", sentence, 400),
        ("ner-dev", sentence, 60),
        ("spelling-train", misspelt, 800),
        ("spelling-dev", misspelt, 60),
    ):
        rows = [json.dumps(make(rng), ensure_ascii=False) for _ in range(count)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
