"""The reference rules of BERT's tokenizer, as the ``tokenizers`` library holds them."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from tokenizer.vocabulary import CLS, MASK, PAD, SEP, SPECIAL_TOKENS, UNK, Vocabulary

# A character's class in the look-up table, where it is not the id of its token.
IN_RUN, SPACE, UNSEEN = -1, -2, -3

# A letter or digit of ASCII, which is in a run too: this less its column in AsciiPieces (ascii_pieces.py).
PLAIN = -16

LETTER = "a"


def bert_normalizer(lowercase: bool, strip_accents: bool | None = None) -> normalizers.BertNormalizer:
    """Return BERT's normaliser: cleaning, spaces around Chinese characters, and for uncased models NFD without Mn."""
    return normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=strip_accents, lowercase=lowercase
    )


def bert_backend(vocabulary: Vocabulary, lowercase: bool, strip_accents: bool | None = None) -> Tokenizer:
    """Return what transformers' ``BertTokenizer`` has inside, with ``[SEP]`` and the like in a text read as text."""
    backend = Tokenizer(WordPiece(vocabulary.ids, unk_token=UNK))
    backend.normalizer = bert_normalizer(lowercase, strip_accents)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    backend.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (UNK, SEP, PAD, CLS, MASK)])
    backend.post_processor = processors.TemplateProcessing(
        single=f"{CLS}:0 $A:0 {SEP}:0",
        pair=f"{CLS}:0 $A:0 {SEP}:0 $B:1 {SEP}:1",
        special_tokens=[(CLS, vocabulary.cls_id), (SEP, vocabulary.sep_id)],
    )
    backend.encode_special_tokens = True
    return backend


def tokenizer_config(
    lowercase: bool, strip_accents: bool | None = None, map_punctuation: bool = False
) -> dict[str, Any]:
    """Return ``tokenizer_config.json`` as transformers 5 writes it for BERT, with our own key if it is set."""
    ours = {"map_punctuation": True} if map_punctuation else {}
    return ours | {
        "backend": "tokenizers",
        "cls_token": CLS,
        "do_lower_case": lowercase,
        "mask_token": MASK,
        "model_max_length": 512,
        "pad_token": PAD,
        "sep_token": SEP,
        "split_special_tokens": True,
        "strip_accents": strip_accents,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
        "unk_token": UNK,
    }


# Signs that Google's Chinese vocabulary lacks (95 % of the [UNK] of law text are the first two), and what is like them.
SIMILAR_SIGNS = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "-", "―": "-", "…": ".", "⋯": "."}


class CharacterClasses:
    """Says of a code point whether it is always a token of its own, breaks words, or belongs to a run.

    The answer comes from the library's normaliser and pre-tokeniser applied to the character between two letters, so
    it follows the Unicode version that the library was built with.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        strip_accents: bool | None = None,
        map_punctuation: bool = False,
    ) -> None:
        self._vocabulary = vocabulary
        self._map_punctuation = map_punctuation
        self._normalizer = bert_normalizer(lowercase, strip_accents)
        self._pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def __call__(self, code_point: int) -> int:
        """Return the token id of a character that is always its own token, else ``IN_RUN`` or ``SPACE``."""
        normalized = self._normalizer.normalize_str(LETTER + chr(code_point) + LETTER)
        pieces = [piece for piece, _ in self._pre_tokenizer.pre_tokenize_str(normalized)]
        if pieces == [LETTER, LETTER]:
            return SPACE
        # One character between the untouched letters: nothing on either side can join it.
        if len(pieces) == 3 and pieces[0] == pieces[2] == LETTER and len(pieces[1]) == 1:
            sign = pieces[1]
            if self._map_punctuation and sign not in self._vocabulary.ids:
                sign = SIMILAR_SIGNS.get(sign, sign)
            return self._vocabulary.ids.get(sign, self._vocabulary.unk_id)
        return IN_RUN


def read_backend_settings(text: str) -> dict[str, Any]:
    """Return ``tokens``, ``lowercase`` and ``strip_accents`` of a ``tokenizer.json`` with a BERT WordPiece model.

    Raises:
        ValueError: it is not such a file; the message says in what it differs.
    """
    try:
        data = json.loads(text)
        model, normalizer = data["model"], data.get("normalizer") or {}
        vocab: dict[str, int] = model["vocab"]
        kind = model["type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"no tokenizer.json of a WordPiece model ({error!r})") from None
    if kind != "WordPiece":
        raise ValueError(f"a {kind} model")
    if normalizer.get("type") != "BertNormalizer" or not normalizer.get("handle_chinese_chars", True):
        raise ValueError("a normaliser other than BERT's")
    if sorted(vocab.values()) != list(range(len(vocab))):
        raise ValueError("ids with gaps")
    tokens = sorted(vocab, key=vocab.__getitem__)
    added = [entry for entry in data.get("added_tokens", []) if entry["content"] not in SPECIAL_TOKENS]
    if any(entry["content"] not in vocab for entry in added):
        raise ValueError("added tokens outside the vocabulary")
    return {
        "tokens": tokens,
        "lowercase": bool(normalizer.get("lowercase", True)),
        "strip_accents": normalizer.get("strip_accents"),
    }
