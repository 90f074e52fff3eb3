"""The same batches for any number of workers and processes, and from any step on; hashed byte by byte."""

from __future__ import annotations

import hashlib
import pickle
from typing import Any

import numpy as np
import pytest

from macbert.examples import PretrainingExamples
from macbert.masking import MacMasking
from macbert.pretraining.batches import share_of
from macbert.pretraining.plan import StepShape
from macbert.pretraining.stream import ExampleStream

BATCH, STEPS = 16, 12


@pytest.fixture(scope="module")
def examples(mapped_documents: Any, tokenizer: Any) -> PretrainingExamples:
    return PretrainingExamples(mapped_documents, tokenizer, MacMasking(strategy="random"), max_length=128, seed=3)


@pytest.fixture(scope="module")
def expected(examples: PretrainingExamples) -> list[str]:
    hashes = [digest(examples.batch(*numbers)) for numbers in steps(examples)]
    assert len(set(hashes)) == STEPS
    return hashes


def steps(examples: PretrainingExamples) -> list[tuple[int, range]]:
    """Return (epoch, numbers) of each step: the last ones of one epoch and the first of the next."""
    whole = examples.num_rows // BATCH
    places = range(whole - STEPS // 2, whole + STEPS // 2)
    return [(step // whole, range(step % whole * BATCH, step % whole * BATCH + BATCH)) for step in places]


def digest(batch: dict[str, Any]) -> str:
    names = ("input_ids", "labels", "token_type_ids", *sorted(batch))
    return hashlib.sha256(b"".join(np.ascontiguousarray(batch[name]).tobytes() for name in names)).hexdigest()


class Steps:
    """A map-style data set whose item s is the batch of step s."""

    def __init__(self, examples: PretrainingExamples) -> None:
        self.examples, self.steps = examples, steps(examples)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        return self.examples.batch(*self.steps[step])


# From Python 3.12 on, forking a process with threads warns; the workers only read. Four workers are more than this
# machine may have cores, which torch warns of.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("workers", [0, 1, 4])
def test_any_number_of_loader_workers_gives_the_same_batches(
    examples: PretrainingExamples, expected: list[str], workers: int
) -> None:
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        Steps(examples),
        batch_size=None,
        num_workers=workers,
        collate_fn=lambda batch: batch,
        multiprocessing_context="fork" if workers else None,
    )
    assert [digest(batch) for batch in loader] == expected


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_any_number_of_processes_shares_the_same_steps(examples: PretrainingExamples, world_size: int) -> None:
    stream = ExampleStream([examples], seed=3)
    for step in range(4):
        shape = StepShape(short=False, first=step * BATCH, rows=BATCH)
        whole = stream.batch(share_of(shape, 0, 1))
        shares = [stream.batch(share_of(shape, rank, world_size)) for rank in range(world_size)]
        assert digest({name: np.concatenate([share[name] for share in shares]) for name in whole}) == digest(whole)


def test_any_step_is_made_without_those_before_it(
    mapped_documents: Any, tokenizer: Any, examples: PretrainingExamples, expected: list[str]
) -> None:
    fresh = PretrainingExamples(mapped_documents, tokenizer, MacMasking(strategy="random"), max_length=128, seed=3)
    for step in reversed(range(STEPS)):
        assert digest(fresh.batch(*steps(fresh)[step])) == expected[step]


def test_examples_that_crossed_a_process_border_give_the_same_batches(
    documents: Any, tokenizer: Any, examples: PretrainingExamples, expected: list[str]
) -> None:
    made = PretrainingExamples(documents, tokenizer, MacMasking(strategy="random"), max_length=128, seed=3)
    copy = pickle.loads(pickle.dumps(made))
    assert [digest(copy.batch(*numbers)) for numbers in steps(copy)] == expected


def test_weighted_corpora_mix_as_a_function_of_the_number(
    mapped_documents: Any, tokenizer: Any, examples: PretrainingExamples
) -> None:
    other = PretrainingExamples(mapped_documents, tokenizer, MacMasking(strategy="wwm"), max_length=128, seed=4)
    stream = ExampleStream([examples, other], [3, 1], seed=0)
    whole = stream.batch(range(2048))
    # Only the second one hides words by [MASK]: a quarter of the rows.
    hidden = (whole["input_ids"] == tokenizer.mask_id).any(axis=1)
    assert abs(hidden.mean() - 0.25) < 0.01
    later = ExampleStream([examples, other], [3, 1], seed=0).batch(range(1500, 1516))
    for name, values in later.items():
        assert (values == whole[name][1500:1516, : values.shape[1]]).all()
