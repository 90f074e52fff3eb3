"""A few seconds of the real thing: cut words, encode, mask, and train one step, each checked.

The first call on a machine takes longer: the compiled functions of encoding and masking are made then, and kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from macbert.doctor.findings import Finding

SENTENCE = "使用语言模型来预测下一个词的概率。"
WORDS = ["使用", "语言", "模型", "来", "预测", "下", "一个", "词", "的", "概率", "。"]
"""As jieba cuts the sentence."""

TEXTS = (
    SENTENCE,
    "我们在上海图书馆看书,窗外下着小雨。",
    "北京的秋天天气很好,很多人去香山看红叶。",
    "这家公司去年的收入增长了三成,今年预计还会增加。",
)
SIMILAR = (("使用", "应用"), ("语言", "文字"), ("预测", "推测"), ("概率", "机会"), ("天气", "气候"), ("增长", "上升"))


def self_test_findings() -> Iterator[Finding]:
    """Yield one finding a step; after a step that fails the rest cannot be tried."""
    state: dict[str, Any] = {}
    for name, step in (("segment", _segment), ("encode", _encode), ("mask", _mask), ("train", _train)):
        start = time.perf_counter()
        finding = _tried(name, step, state, start)
        yield finding
        if finding.status == "fault":
            return


def _tried(name: str, step: Callable[[dict[str, Any]], str], state: dict[str, Any], start: float) -> Finding:
    again = "install the versions above in a new environment; if it stays, report it with macbert doctor --json"
    try:
        found = step(state)
    except Exception as error:  # whatever goes wrong here is the finding
        lines = str(error).splitlines() or [""]
        return Finding("self-test", name, "fault", f"{type(error).__name__}: {lines[0][:160]}", again)
    return Finding("self-test", name, "sound", f"{found} ({time.perf_counter() - start:.1f} s)")


class WrongAnswer(RuntimeError):
    """A step ran and gave something else than it must."""


def _expect(what: str, right: bool) -> None:
    if not right:
        raise WrongAnswer(what)


def _segment(state: dict[str, Any]) -> str:
    from tokenizer.segmenter import load_segmenter, words

    for name in ("compiled", "rjieba"):
        found = words(load_segmenter(name), SENTENCE)
        _expect(f"{name} cuts {'/'.join(found)}", found == WORDS)
    return "/".join(WORDS)


def _encode(state: dict[str, Any]) -> str:
    from tokenizer import ChineseTokenizer, Vocabulary

    characters = sorted({c for text in (*TEXTS, *(w for pair in SIMILAR for w in pair)) for c in text})
    tokenizer = ChineseTokenizer(Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]))
    state["tokenizer"] = tokenizer
    encoded = tokenizer.encode(SENTENCE)
    cut = "".join(SENTENCE[start:end] for start, end in encoded.offsets.tolist())
    _expect("the offsets do not cover the text", cut == SENTENCE)
    tokens = "".join(tokenizer.vocab[number] for number in encoded.input_ids.tolist())
    _expect(f"the ids say {tokens}", tokens == SENTENCE)
    _expect("word starts are not jieba's", int(encoded.word_starts.sum()) == len(WORDS))
    return f"{len(encoded.input_ids)} tokens, {len(WORDS)} words"


def _mask(state: dict[str, Any]) -> str:
    from macbert.masking import DataCollatorForMacBert
    from tokenizer import SimilarWords

    tokenizer = state["tokenizer"]

    def ids(word: str) -> list[int]:
        return tokenizer.encode(word).input_ids.tolist()

    table = SimilarWords.from_rows([(a, ids(a), [(b, ids(b), 0.9)]) for a, b in SIMILAR])
    batch = DataCollatorForMacBert(tokenizer, similar=table, seed=1)(list(TEXTS))
    state["batch"] = batch
    chosen = batch["labels"] != -100
    restored = batch["input_ids"].where(~chosen, batch["labels"])
    for row, text in enumerate(TEXTS):
        right = tokenizer.encode(text).input_ids.tolist()
        _expect("labels are not the original tokens", restored[row, 1 : len(right) + 1].tolist() == right)
        _expect("more than 15 % chosen", int(chosen[row].sum()) <= int(0.15 * len(right)))
    _expect("nothing chosen", bool(chosen.any()))
    _expect("a [MASK] in MacBERT's masking", not bool((batch["input_ids"] == tokenizer.mask_id).any()))
    return f"{int(chosen.sum())} tokens chosen in {len(TEXTS)} texts"


def _train(state: dict[str, Any]) -> str:
    import torch

    from macbert.modeling import MacBertForPreTraining, model_config, set_dropout

    batch = state["batch"]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MacBertForPreTraining(model_config("tiny", state["tokenizer"].vocab_size))
    model.to(torch.device(device))  # type: ignore[arg-type]  # transformers' decorator hides torch's signature
    set_dropout(model, 0.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def loss() -> Any:
        width = int((batch["labels"] != -100).sum(-1).max())
        labels, positions = (batch["labels"] != -100).long().topk(width, -1)
        chosen = batch["labels"].gather(1, positions).where(labels.bool(), -100)
        inputs = {name: batch[name].to(device) for name in ("input_ids", "token_type_ids", "attention_mask")}
        return model(**inputs, masked_positions=positions.to(device), masked_labels=chosen.to(device)).loss

    first = loss()
    first.backward()
    optimizer.step()
    before, after = first.item(), loss().item()
    _expect(f"the loss is {before}, then {after}", math.isfinite(after) and after < before)
    return f"loss {before:.3f}, after one step {after:.3f}, on {device}"
