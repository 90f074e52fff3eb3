"""Scores put together from rules and a trained classifier, with both parts in the record.

After the GPT-4 system card: its data filter joins classifiers with a lexicon, its training a rule-based reward with a
learned one. Here score = weight_rule * rule + weight_model * model, over the sum of the weights in use.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.document import Document
from corpus.errors import UserError
from corpus.steps.characters import han_share
from corpus.steps.repetition import repeated_share

if TYPE_CHECKING:
    from corpus.scoring.classifier import TextClassifier

_ENDED = re.compile(r"[。！？；…!?.;][”’」』）)]*$")


def harm(
    document: Document,
    *,
    lexicon: str | None = None,
    model: str | None = None,
    weight_rule: float = 0.5,
    weight_model: float = 0.5,
    words_per_line: float = 0.5,
    max_score: float = 0.5,
) -> Document | str:
    """Return ``harmful`` above ``max_score``, else the document with ``meta["harm"]``: score, its parts, words found.

    Args:
        lexicon: a UTF-8 file of unwanted words, one a line; the rule score is listed words a line over
            ``words_per_line`` (ChineseWebText drops above 0.5), at most 1.
        model: folder of a classifier whose positive class is harmful text (``macbert corpus score train``).

    Raises:
        UserError: neither is given, or one cannot be read.
    """
    if lexicon is None and model is None:
        raise UserError.at("step harm", expected="lexicon or model", found="neither", fix="give one of them, or both")
    parts: dict[str, float] = {}
    found = 0
    if lexicon is not None:
        found = len(_words(lexicon).findall(document.text))
        lines = 1 + document.text.count("\n")
        parts["rule"] = min(1.0, found / lines / words_per_line)
    if model is not None:
        parts["model"] = _classifier(model).probability(document.text)
    score = _weigh(parts, weight_rule, weight_model)
    if score > max_score:
        return "harmful"
    record = {name: round(value, 4) for name, value in {"score": score, **parts}.items()}
    return dataclasses.replace(document, meta={**document.meta, "harm": {**record, "words": found}})


def quality(
    document: Document,
    *,
    model: str | None = None,
    weight_rule: float = 0.5,
    weight_model: float = 0.5,
    min_score: float = 0.5,
) -> Document | str:
    """Return ``low_quality`` below ``min_score``, else the document with ``meta["quality"]``: score and its parts.

    Args:
        model: folder of a classifier whose positive class is good text (``macbert corpus score train``).

    >>> good = "我们使用语言模型来预测下一个词的概率。结果表明，这种方法很有效。"
    >>> quality(Document("1", good)).meta["quality"]["score"]
    1.0
    """
    parts = {"rule": rule_quality(document.text)}
    if model is not None:
        parts["model"] = _classifier(model).probability(document.text)
    score = _weigh(parts, weight_rule, weight_model)
    if score < min_score:
        return "low_quality"
    record = {name: round(value, 4) for name, value in {"score": score, **parts}.items()}
    return dataclasses.replace(document, meta={**document.meta, "quality": record})


def rule_quality(text: str) -> float:
    """Return 0 to 1: the mean of four soft rules, each full where ordinary prose is.

    Hanzi from 0 to 60 % of the characters; mean line from 0 to 10 characters (ChineseWebText); lines that end as
    sentences do, from 0 to 0.106 (FineWeb-2); repeated 13-grams from 50 % (ChineseWebText) down to 20 %.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines:
        return 0.0
    ended = sum(bool(_ENDED.search(line)) for line in lines) / len(lines)
    rules = (
        han_share(text) / 0.6,
        sum(map(len, lines)) / len(lines) / 10,
        ended / 0.106,
        (0.5 - repeated_share(text, 13)) / 0.3,
    )
    return sum(min(1.0, max(0.0, rule)) for rule in rules) / len(rules)


def _weigh(parts: dict[str, float], weight_rule: float, weight_model: float) -> float:
    weights = {"rule": weight_rule, "model": weight_model}
    total = sum(weights[name] for name in parts)
    return sum(weights[name] * value for name, value in parts.items()) / total if total else 0.0


@functools.cache
def _words(path: str) -> re.Pattern[str]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "another encoding"
        raise UserError.at(path, expected="a UTF-8 file of words", found=found, fix="check the lexicon") from None
    words = sorted({line.strip() for line in text.split("\n") if line.strip()}, key=lambda word: (-len(word), word))
    if not words:
        raise UserError.at(path, expected="words, one a line", found="none", fix="check the lexicon")
    return re.compile("|".join(map(re.escape, words)))


@functools.cache
def _classifier(folder: str) -> TextClassifier:
    from corpus.scoring.classifier import TextClassifier  # compiled code: loaded where it is asked for

    return TextClassifier.load(folder)
