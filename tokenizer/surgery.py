"""``macbert tokenizer extend`` and ``trim``: a model's vocabulary changed together with its embedding rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import MANIFEST_NAME, atomic_folder, read_text, sha256_file
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from tokenizer.chinese import ChineseTokenizer
from tokenizer.config import ExtendConfig, TrimConfig
from tokenizer.model_files import WEIGHTS_NAME, ModelFiles
from tokenizer.similar_words import META_NAME, READABLE_NAME, TABLE_NAME
from tokenizer.vocabulary import UNUSED, Vocabulary
from tokenizer.wordpiece import IN_RUN, CharacterClasses, bert_normalizer

Progress = Callable[[str, int, int | None], None]

# Written anew, or no longer true of the changed model: a similar-word table and a state hold token ids.
_NOT_COPIED = {
    *("config.json", WEIGHTS_NAME, "vocab.txt", "tokenizer.json", "tokenizer_config.json", MANIFEST_NAME),
    *(TABLE_NAME, META_NAME, READABLE_NAME, "special_tokens_map.json", "added_tokens.json"),
}


@dataclass(frozen=True)
class ChangedVocabulary:
    """What ``extend_vocabulary`` or ``trim_vocabulary`` made."""

    output: str
    vocab_size_before: int
    vocab_size: int
    added: list[str]
    into_unused: int
    """Added tokens that took the place of an [unusedN]."""

    removed: int

    def summary(self) -> list[tuple[str, str]]:
        """Return (label, value) lines for a screen."""
        shown = " ".join(self.added[:20]) + (" ..." if len(self.added) > 20 else "")
        return [
            ("model", self.output),
            ("vocabulary", f"{self.vocab_size_before:,} tokens before, {self.vocab_size:,} now"),
            ("added", f"{len(self.added):,}, {self.into_unused:,} in unused slots: {shown}"),
            ("removed", f"{self.removed:,}"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return dict(vars(self))


def extend_vocabulary(config: ExtendConfig, progress: Progress | None = None) -> ChangedVocabulary:
    """Add tokens to a model: their rows of embedding, decoder and decoder bias are the mean of the old pieces' rows.

    Raises:
        UserError: words that BERT's tokenizer could never give as one token (all listed), or that are tokens already;
            no model there; or the output may not be written.
    """
    output = own_output(config.output, "model")
    origin = Path(config.model)
    model = ModelFiles(origin)
    tokenizer = _tokenizer_of(origin, model)
    additions = _additions(config, tokenizer)
    tokens = list(tokenizer.vocab)
    sources = [[row] for row in range(len(tokens))]
    slots = [row for row, token in enumerate(tokens) if UNUSED.fullmatch(token)] if config.slots == "unused" else []
    for token, like in additions.items():
        pieces = tokenizer.encode(like).input_ids.tolist()
        if slots:
            row = slots.pop(0)
            tokens[row], sources[row] = token, pieces
        else:
            tokens.append(token)
            sources.append(pieces)
    model.select(sources)
    result = ChangedVocabulary(
        output=str(output),
        vocab_size_before=tokenizer.vocab_size,
        vocab_size=len(tokens),
        added=list(additions),
        into_unused=len(additions) - (len(tokens) - tokenizer.vocab_size),
        removed=0,
    )
    _write(output, origin, model, _changed(tokenizer, tokens), result, vars(config))
    return result


def trim_vocabulary(config: TrimConfig, progress: Progress | None = None) -> ChangedVocabulary:
    """Remove the tokens that no text can give (a third of Google's Chinese vocabulary is ``##`` before a hanzi).

    Every text keeps its tokens; only their numbers change.

    Raises:
        UserError: no model there, or the output may not be written.
    """
    output = own_output(config.output, "model")
    origin = Path(config.model)
    model = ModelFiles(origin)
    tokenizer = _tokenizer_of(origin, model)
    keep = reachable_tokens(tokenizer, keep_unused=config.keep_unused)
    model.select([[row] for row in keep])
    new = {row: number for number, row in enumerate(keep)}
    for name in ("pad_token_id", "cls_token_id", "sep_token_id", "mask_token_id", "bos_token_id", "eos_token_id"):
        if model.config.get(name) is not None:
            model.config[name] = new.get(model.config[name])
    result = ChangedVocabulary(
        output=str(output),
        vocab_size_before=tokenizer.vocab_size,
        vocab_size=len(keep),
        added=[],
        into_unused=0,
        removed=tokenizer.vocab_size - len(keep),
    )
    changed = _changed(tokenizer, [tokenizer.vocab[row] for row in keep])
    _write(output, origin, model, changed, result, vars(config))
    return result


def reachable_tokens(tokenizer: ChineseTokenizer, *, keep_unused: bool) -> list[int]:
    """Return the ids of special tokens and of those that some text may give.

    A whole token is given by itself or by nothing. A piece ``##x`` is kept if x is unchanged by normalisation and
    has only characters that stand in runs: Chinese characters and punctuation are always tokens of their own.
    """
    vocabulary = tokenizer.vocabulary
    normalizer = bert_normalizer(tokenizer.lowercase, tokenizer.strip_accents)
    classes = CharacterClasses(vocabulary, tokenizer.lowercase, tokenizer.strip_accents)
    encoded = tokenizer.encode_batch(vocabulary.tokens)
    keep = []
    for row, token in enumerate(vocabulary.tokens):
        if vocabulary.special_mask[row]:
            fine = keep_unused or UNUSED.fullmatch(token) is None
        elif token.startswith("##") and len(token) > 2:
            piece = token[2:]
            fine = normalizer.normalize_str(piece) == piece and all(classes(ord(char)) == IN_RUN for char in piece)
        else:
            fine = encoded.input_ids[encoded.bounds[row] : encoded.bounds[row + 1]].tolist() == [row]
        if fine:
            keep.append(row)
    return keep


def _additions(config: ExtendConfig, tokenizer: ChineseTokenizer) -> dict[str, str]:
    """Return each new token with the text whose pieces its row is made from."""
    given = [(f"--words {word}", word, "") for word in config.words]
    if config.words_file:
        path = Path(config.words_file)
        for number, line in enumerate(read_text(path, "words, one a line").split("\n"), 1):
            word, _, like = line.partition("\t")
            if word.strip():
                given.append((f"{path}:{number}", word.strip(), like.strip()))
    normalizer = bert_normalizer(tokenizer.lowercase, tokenizer.strip_accents)
    tokens = {word: normalizer.normalize_str(word).strip() for _, word, _ in given}
    new = dict.fromkeys(token for token in tokens.values() if token and token not in tokenizer.vocabulary.ids)
    trial = _changed(tokenizer, [*tokenizer.vocab, *new])
    found: dict[str, str] = {}
    problems = []
    for where, word, like in given:
        token = tokens[word]
        if token in tokenizer.vocabulary.ids:
            problems.append(Problem(where, "a new token", f"{token!r}, which is one already", "leave it out"))
        elif not token or trial.encode(word).input_ids.tolist() != [trial.vocabulary.ids[token]]:
            fix = "BERT cuts at Chinese characters, punctuation and spaces: add single ones, or Latin words"
            problems.append(Problem(where, "a word that can be one token", repr(word), fix))
        else:
            found.setdefault(token, like or word)
    if problems:
        raise UserError(*problems)
    if not given:
        raise UserError.at(config.words_file, expected="words, one a line", found="none", fix="write some")
    return found


def _tokenizer_of(folder: Path, model: ModelFiles) -> ChineseTokenizer:
    tokenizer = ChineseTokenizer.from_pretrained(folder)
    if tokenizer.vocab_size != model.config["vocab_size"]:
        found = f"{tokenizer.vocab_size:,} tokens for {model.config['vocab_size']:,} rows"
        fix = "put the vocabulary that the model was trained with beside it"
        raise UserError.at(folder, expected="as many tokens as embedding rows", found=found, fix=fix)
    return tokenizer


def _changed(tokenizer: ChineseTokenizer, tokens: list[str]) -> ChineseTokenizer:
    return ChineseTokenizer(Vocabulary(tokens), lowercase=tokenizer.lowercase, strip_accents=tokenizer.strip_accents)


def _write(
    output: Path,
    origin: Path,
    model: ModelFiles,
    tokenizer: ChineseTokenizer,
    result: ChangedVocabulary,
    config: dict[str, Any],
) -> None:
    inputs = {"weights": sha256_file(origin / WEIGHTS_NAME)}
    with atomic_folder(output) as folder:
        for path in sorted(origin.iterdir()):
            if path.is_file() and path.name not in _NOT_COPIED:
                shutil.copyfile(path, folder / path.name)
        model.save(folder)
        tokenizer.save_pretrained(folder)
        recorded = {**config, "model": None, "output": None}
        figures = {key: value for key, value in result.as_json().items() if key != "output"}
        write_manifest(folder, "model", config=recorded, inputs=inputs, **figures)
