"""One rule for sentences, for the step that writes one a line and for the tokens that are packed by them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from corpus.sentence_starts import mark_sentences
from corpus.steps.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("他说：“好！”然后走了。雨停了", ["他说：“好！”", "然后走了。", "雨停了"]),
        ("真的？！……是啊；（当然。）\n\n  下一段\n", ["真的？！……", "是啊；", "（当然。）\n\n  ", "下一段\n"]),
        ("见 http://a.cn/?q=1&r=!b 吧! 好", ["见 http://a.cn/?q=1&r=!b 吧! ", "好"]),
        ("\n \n开头空行。", ["\n \n开头空行。"]),
        ("3.14元，U.S.A.", ["3.14元，U.S.A."]),
        ("", []),
    ],
)
def test_sentences_end_at_their_marks(text: str, sentences: list[str]) -> None:
    codes = np.array([*map(ord, text)], np.uint32)
    places = [*np.flatnonzero(mark_sentences(codes, np.array([0, len(text)]))).tolist(), len(text)]
    assert [text[a:b] for a, b in pairwise(places)] == sentences
    assert split_sentences(text) == [part.strip() for part in sentences]
