"""What the trained models do to a few sentences, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from macbert.demo.report import MaskedToken
from macbert.extraction import load_extractor
from macbert.masking.config import InspectConfig
from macbert.masking.inspect import inspect_text

MASKED_TEXT = (
    "新华社北京电，中国科学院昨天举行会议，研究今年的工作计划。会议认为，经济建设取得了很大成绩，"
    "人民生活水平有了明显提高。代表们表示，要继续努力，把各项工作做得更好。"
)
"""The text of the masked example; three sentences in the manner of the pretraining corpus, written for this page."""

SENTENCES = (
    "新华社记者王小明从北京报道，中国科学院的专家昨天到上海参加会议。",
    "这本书写得非常好，内容丰富，我一口气就读完了。",
    "房间又小又旧，服务态度很差，下次不会再来了。",
)
"""What the models read when the user gives no text."""


def masked_example(encoder: Path, tokenizer: Path, seed: int) -> list[MaskedToken]:
    """Return the tokens of the example: as they are, as masking made them, as the encoder restores them."""
    config = InspectConfig(text=MASKED_TEXT, tokenizer=str(tokenizer), model=str(encoder), seed=seed)
    return [
        MaskedToken(
            original=token,
            shown=shown,
            restored=word.restored[place] if word.restored is not None and outcome else None,
            kind="random" if outcome == "fallback" else outcome,
        )
        for word in inspect_text(config).words
        for place, (token, shown, outcome) in enumerate(zip(word.tokens, word.replacement, word.outcomes, strict=True))
    ]


def read_texts(texts: Sequence[str], extractor: Path, classifier: Path) -> list[dict[str, Any]]:
    """Return the texts in the annotation format: names by one model, the label by the other."""
    found = load_extractor(extractor).extract(list(texts))
    judged = load_extractor(classifier).extract(list(texts))
    return [
        {
            "text": names.text,
            "entities": [
                {"start": name.start, "end": name.end, "type": name.type, "text": name.text} for name in names.entities
            ],
            "label": opinion.label,
        }
        for names, opinion in zip(found, judged, strict=True)
    ]
