"""What a run reads: corpora, tokenizer, similar words and held-out documents, with their hashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import sha256_file
from corpus.manifest import manifest_sha256, read_manifest, verify_manifest
from macbert.examples import PretrainingExamples
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.stream import ExampleStream
from tokenizer import ChineseTokenizer, Lexicon, SimilarWords, TokenDocuments
from tokenizer.hub import token_folder

SIMILAR_NAME = "similar.safetensors"


@dataclass(frozen=True)
class Inputs:
    """Everything a run reads."""

    tokenizer: ChineseTokenizer
    streams: dict[bool, ExampleStream]
    """Full rows (False) and, with a length warm-up, short ones (True)."""

    held_out: dict[str, PretrainingExamples]
    """Held-out rows by corpus; empty if nothing is reserved."""

    names: list[str]
    """Of the corpora, in the order of the streams; the folder's name, or where two share one the whole path."""

    fingerprint: dict[str, Any]
    """SHA-256 of each corpus, with its weight, of the vocabulary and of the similar-word table."""


def open_inputs(config: PretrainConfig, *, verify: bool) -> Inputs:
    """Open all that ``config`` names.

    Args:
        config: the run.
        verify: whether to check the hashes of the corpora (one process of a run does).

    Raises:
        UserError: a folder that is not encoded documents, is damaged, or was encoded with another tokenizer; no
            similar words though the masking needs them; too few documents for one row.
    """
    folders = [token_folder(folder) for folder, _ in config.corpora()]
    weights = [weight for _, weight in config.corpora()]
    _check_corpora(config, folders, weights, verify)
    tokenizer_folder = folders[0] / "tokenizer"
    tokenizer = ChineseTokenizer.from_pretrained(str(tokenizer_folder))
    lexicon = Lexicon.load(tokenizer_folder, tokenizer)
    similar_folder = Path(config.similar) if config.similar else tokenizer_folder
    similar = _similar_words(config, similar_folder)

    def examples(folder: Path, length: int = config.max_length) -> PretrainingExamples | None:
        documents = TokenDocuments.open(folder)
        if len(documents) == 0:
            return None
        made = PretrainingExamples(
            documents,
            tokenizer,
            config.masking,
            max_length=length,
            seed=config.seed,
            similar=similar,
            lexicon=lexicon,
            sentence_prediction=config.sentence_prediction,
        )
        return made if made.num_rows else None

    def stream(length: int) -> ExampleStream:
        training = []
        for folder in folders:
            rows = examples(folder, length)
            if rows is None:
                fix = "encode a corpus with more text"
                raise UserError.at(folder, expected="at least one row of training text", found="no documents", fix=fix)
            training.append(rows)
        return ExampleStream(training, None if weights[0] is None else [w or 0.0 for w in weights], config.seed)

    names = [folder.name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    held_out = {}
    reserved = {name: folder / "heldout" for name, folder in zip(names, folders, strict=True)}
    if config.eval_data:
        reserved = {Path(config.eval_data).name: Path(config.eval_data)}
        if not Path(config.eval_data).is_dir():
            fix = "give a folder of encoded documents, such as TOKENS/heldout"
            raise UserError.at("--eval-data", expected="a folder", found=config.eval_data, fix=fix)
    for name, folder in reserved.items():
        rows = examples(folder) if folder.is_dir() else None
        if rows is not None:
            held_out[name] = rows

    table = similar_folder / SIMILAR_NAME
    return Inputs(
        tokenizer=tokenizer,
        streams={
            False: stream(config.max_length),
            **({True: stream(config.length_warmup_start)} if config.length_warmup else {}),
        },
        held_out=held_out,
        names=names,
        fingerprint={
            "data": [[manifest_sha256(folder), weight] for folder, weight in zip(folders, weights, strict=True)],
            "tokenizer": sha256_file(tokenizer_folder / "vocab.txt"),
            "similar": sha256_file(table) if similar is not None else None,
        },
    )


def _check_corpora(config: PretrainConfig, folders: list[Path], weights: list[float | None], verify: bool) -> None:
    problems = []
    vocabularies = {}
    for folder in folders:
        try:
            read_manifest(folder, "tokens")
            vocabularies[folder] = sha256_file(folder / "tokenizer" / "vocab.txt")
            if verify and config.verify_data:
                problems += verify_manifest(folder, "tokens")
        except UserError as error:
            problems += error.problems
    if len({weight is None for weight in weights}) > 1:
        problems.append(Problem("--data", "a weight for each folder, or for none", ", ".join(config.data), "add them"))
    if len(set(vocabularies.values())) > 1:
        found = ", ".join(f"{folder} {digest[:12]}" for folder, digest in vocabularies.items())
        problems.append(Problem("--data", "one tokenizer", found, "encode all corpora with the same tokenizer"))
    if problems:
        raise UserError(*problems)


def _similar_words(config: PretrainConfig, folder: Path) -> SimilarWords | None:
    if (folder / SIMILAR_NAME).is_file():
        return SimilarWords.load(folder)
    if config.similar or config.masking.strategy == "mac":
        fix = "build it with macbert tokenizer similar and name its folder with --similar"
        raise UserError.at(folder, expected=f"a similar-word table ({SIMILAR_NAME})", found="none", fix=fix)
    return None
