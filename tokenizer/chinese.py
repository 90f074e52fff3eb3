"""The tokenizer: transformers' ids and offsets, jieba's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from tokenizer.ascii_pieces import AsciiPieces
from tokenizer.encoded import EncodedTexts, Encoding, code_points_of
from tokenizer.lookup import LookupEncoder
from tokenizer.segmenter import Segmenter, load_segmenter
from tokenizer.vocabulary import Vocabulary
from tokenizer.wordpiece import CharacterClasses, bert_backend, read_backend_settings, tokenizer_config

if TYPE_CHECKING:
    from transformers import BertTokenizer


class ChineseTokenizer:
    """BERT WordPiece for Chinese: ids and offsets equal transformers' ``BertTokenizer(split_special_tokens=True)``.

    Args:
        vocabulary: the tokens.
        lowercase: an uncased model: lower case, accents stripped.
        strip_accents: None follows ``lowercase``, as in BERT.
        map_punctuation: curly quotes, em dash and ellipsis that the vocabulary lacks become the ASCII signs like them
            and not [UNK]; only then ids differ from transformers' (``macbert tokenizer extend`` avoids that).
        segmenter: ``compiled`` (jieba's words, fastest), ``rjieba``, ``jieba``, ``char``, or a function from a text
            to its words.
        user_dictionary: a file of words in jieba's format that the segmenter shall know too.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        lowercase: bool = True,
        strip_accents: bool | None = None,
        map_punctuation: bool = False,
        segmenter: str | Callable[[str], Iterable[str]] = "compiled",
        user_dictionary: str | Path | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.map_punctuation = map_punctuation
        self._segmenter_arguments = (segmenter, user_dictionary)
        self._backend = bert_backend(vocabulary, lowercase, strip_accents)
        classes = CharacterClasses(vocabulary, lowercase, strip_accents, map_punctuation)
        self._encoder = LookupEncoder(classes, AsciiPieces(vocabulary, lowercase), self._encode_run)
        self.pad_id, self.unk_id, self.cls_id = vocabulary.pad_id, vocabulary.unk_id, vocabulary.cls_id
        self.sep_id, self.mask_id = vocabulary.sep_id, vocabulary.mask_id

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        segmenter: str | Callable[[str], Iterable[str]] = "compiled",
        lowercase: bool | None = None,
        map_punctuation: bool | None = None,
        user_dictionary: str | Path | None = None,
    ) -> ChineseTokenizer:
        """Load from a tokenizer or model folder, or from a ``vocab.txt``.

        Args:
            path: a folder with ``vocab.txt`` or a BERT ``tokenizer.json``, or a vocabulary file.
            segmenter: see the class.
            lowercase: None takes what the folder says; for a bare ``vocab.txt``, True.
            map_punctuation: None takes what the folder says; see the class.
            user_dictionary: see the class.

        Raises:
            UserError: nothing usable there, or a vocabulary with mistakes (all listed).
        """
        path = Path(path)
        settings: dict[str, Any] = _read_folder(path) if path.is_dir() else {"vocabulary": Vocabulary.load(path)}
        given = {"lowercase": lowercase, "map_punctuation": map_punctuation}
        settings |= {name: value for name, value in given.items() if value is not None}
        return cls(**settings, segmenter=segmenter, user_dictionary=user_dictionary)

    @cached_property
    def segmenter(self) -> Segmenter:
        """The word boundaries' backend, loaded when first used."""
        return load_segmenter(*self._segmenter_arguments)

    @property
    def vocab(self) -> list[str]:
        """The tokens, id = index."""
        return self.vocabulary.tokens

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return len(self.vocabulary)

    def encode(self, text: str) -> Encoding:
        """Return a text's tokens, offsets and words; no special tokens are added.

        Raises:
            ValueError: the text holds a lone surrogate.
        """
        ids, offsets = self._encoder.encode_one(code_points_of(text))
        return Encoding(text, ids, offsets, self.find_starts)

    def encode_batch(self, texts: Sequence[str]) -> EncodedTexts:
        """Return the tokens, offsets and words of many texts at once, in flat arrays."""
        text_bounds = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=text_bounds[1:])
        return EncodedTexts(
            texts, text_bounds, self._encoder.encode(code_points_of("".join(texts)), text_bounds), self.find_starts
        )

    def find_starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return (N,) bool over the characters of all texts: True where the segmenter begins a word."""
        return self.segmenter.starts(texts)

    def decode_word(self, ids: Iterable[int]) -> str:
        """Return the characters of a word's tokens, without ``##``; its case and accents are the tokens'."""
        return "".join(t[2:] if t.startswith("##") and len(t) > 2 else t for t in map(self.vocab.__getitem__, ids))

    def decode_words(self, ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> list[str]:
        """Return the texts of words given flat: word w is ``ids[offsets[w]:offsets[w + 1]]``."""
        pieces = [token[2:] if token.startswith("##") and len(token) > 2 else token for token in self.vocab]
        texts = [pieces[number] for number in ids.tolist()]
        return ["".join(texts[start:end]) for start, end in pairwise(offsets.tolist())]

    def to_transformers(self) -> BertTokenizer:
        """Return transformers' tokenizer with the same vocabulary and settings."""
        from transformers import BertTokenizer

        return BertTokenizer(
            vocab=self.vocabulary.ids,
            do_lower_case=self.lowercase,
            strip_accents=self.strip_accents,
            split_special_tokens=True,
            model_max_length=512,
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write ``vocab.txt``, ``tokenizer.json`` and ``tokenizer_config.json``, which ``AutoTokenizer`` loads."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.vocabulary.save(folder / "vocab.txt")
        self._backend.save(str(folder / "tokenizer.json"))
        config = tokenizer_config(self.lowercase, self.strip_accents, self.map_punctuation)
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    def __reduce__(self) -> tuple[Any, ...]:
        # The compiled tables are large and learnt quickly; a worker process starts with fresh ones.
        segmenter, user_dictionary = self._segmenter_arguments
        settings = {
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "map_punctuation": self.map_punctuation,
            "segmenter": segmenter,
            "user_dictionary": user_dictionary,
        }
        return _rebuild, (self.vocabulary, settings)

    def _encode_run(self, run: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoding = self._backend.encode(run, add_special_tokens=False)
        return encoding.ids, encoding.offsets


def _rebuild(vocabulary: Vocabulary, settings: dict[str, Any]) -> ChineseTokenizer:
    return ChineseTokenizer(vocabulary, **settings)


def _read_folder(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {"lowercase": True, "strip_accents": None}
    backend = folder / "tokenizer.json"
    tokens: list[str] | None = None
    if backend.is_file():
        try:
            found = read_backend_settings(backend.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError.at(
                backend, expected="a BERT WordPiece tokenizer", found=str(error), fix="give a BERT vocabulary"
            ) from None
        tokens = found.pop("tokens")
        settings |= found
    config = folder / "tokenizer_config.json"
    if config.is_file():
        try:
            data = json.loads(config.read_text(encoding="utf-8"))
        except ValueError:
            raise UserError.at(config, expected="JSON", found="something else", fix="restore the file") from None
        settings["lowercase"] = bool(data.get("do_lower_case", settings["lowercase"]))
        settings["strip_accents"] = data.get("strip_accents", settings["strip_accents"])
        settings["map_punctuation"] = bool(data.get("map_punctuation", False))
    if (folder / "vocab.txt").is_file():
        settings["vocabulary"] = Vocabulary.load(folder / "vocab.txt")
    elif tokens is not None:
        settings["vocabulary"] = Vocabulary(tokens, where=str(backend))
    else:
        found_here = "a folder without them"
        raise UserError.at(
            folder, expected="vocab.txt or tokenizer.json", found=found_here, fix="give a tokenizer or model folder"
        )
    return settings
