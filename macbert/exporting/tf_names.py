"""What a weight of BERT is called by transformers (and us), and by Google's TensorFlow code (and so in HFL's files)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HEADS = ("bert.pooler.", "cls.")
"""What an encoder may be without."""


@dataclass(frozen=True)
class Name:
    """One weight."""

    ours: str
    """As in model.safetensors: ``bert.encoder.layer.0.attention.self.query.weight``."""

    theirs: str
    """As in a TensorFlow checkpoint: ``bert/encoder/layer_0/attention/self/query/kernel``."""

    shape: tuple[int, ...]
    """In our file: (out, in) of a matrix product."""

    transposed: bool = False
    """Whether theirs is (in, out)."""

    @property
    def their_shape(self) -> tuple[int, ...]:
        """The shape in a TensorFlow checkpoint."""
        return self.shape[::-1] if self.transposed else self.shape

    @property
    def optional(self) -> bool:
        """Whether it belongs to a head."""
        return self.ours.startswith(HEADS)


def bert_names(config: dict[str, Any]) -> list[Name]:
    """Return every weight of a BERT with its pretraining heads.

    Args:
        config: config.json or bert_config.json: the names of the sizes are the same in both.

    >>> sizes = {"hidden_size": 4, "intermediate_size": 8, "vocab_size": 9, "num_hidden_layers": 1}
    >>> names = bert_names({**sizes, "max_position_embeddings": 5, "type_vocab_size": 2})
    >>> [name.theirs for name in names if name.transposed][:2]
    ['bert/encoder/layer_0/attention/self/query/kernel', 'bert/encoder/layer_0/attention/self/key/kernel']
    """
    hidden, wide, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    names = [
        Name(f"bert.embeddings.{kind}_embeddings.weight", f"bert/embeddings/{kind}_embeddings", (size, hidden))
        for kind, size in (
            ("word", vocabulary),
            ("position", config["max_position_embeddings"]),
            ("token_type", config["type_vocab_size"]),
        )
    ]
    names += _norm("bert.embeddings.LayerNorm", hidden)
    for layer in range(config["num_hidden_layers"]):
        place = f"bert.encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            names += _dense(f"{place}.attention.self.{part}", hidden, hidden)
        names += _dense(f"{place}.attention.output.dense", hidden, hidden)
        names += _norm(f"{place}.attention.output.LayerNorm", hidden)
        names += _dense(f"{place}.intermediate.dense", wide, hidden)
        names += _dense(f"{place}.output.dense", hidden, wide)
        names += _norm(f"{place}.output.LayerNorm", hidden)
    names += _dense("bert.pooler.dense", hidden, hidden)
    names += _dense("cls.predictions.transform.dense", hidden, hidden)
    names += _norm("cls.predictions.transform.LayerNorm", hidden)
    return [
        *names,
        Name("cls.predictions.bias", "cls/predictions/output_bias", (vocabulary,)),
        # The one matrix that both write (out, in).
        Name("cls.seq_relationship.weight", "cls/seq_relationship/output_weights", (2, hidden)),
        Name("cls.seq_relationship.bias", "cls/seq_relationship/output_bias", (2,)),
    ]


def _dense(place: str, out: int, into: int) -> list[Name]:
    theirs = _theirs(place)
    return [
        Name(f"{place}.weight", f"{theirs}/kernel", (out, into), transposed=True),
        Name(f"{place}.bias", f"{theirs}/bias", (out,)),
    ]


def _norm(place: str, size: int) -> list[Name]:
    theirs = _theirs(place)
    return [Name(f"{place}.weight", f"{theirs}/gamma", (size,)), Name(f"{place}.bias", f"{theirs}/beta", (size,))]


def _theirs(place: str) -> str:
    return place.replace(".layer.", ".layer_").replace(".", "/")
