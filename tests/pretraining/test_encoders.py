"""The loop trains the LLaMA recipe as it trains BERT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import EuroBertForMaskedLM

from macbert.modeling import load_model
from macbert.modeling.loading import quiet_transformers


def test_an_eurobert_run_resumes_bit_by_bit_and_loads_in_plain_transformers(
    fake_pretrain: Callable[..., Any], tmp_path: Path, hashes: Callable[..., Any]
) -> None:
    changes = {"encoder": "eurobert", "max_steps": 8}
    fake_pretrain(tmp_path / "run", **changes)
    before = hashes(tmp_path / "run", 8) | {"heads": (tmp_path / "run" / "heads.safetensors").read_bytes().hex()}
    (tmp_path / "run" / "checkpoint-8").rename(tmp_path / "away")
    assert fake_pretrain(tmp_path / "run", **changes).resumed_from == 4
    again = hashes(tmp_path / "run", 8) | {"heads": (tmp_path / "run" / "heads.safetensors").read_bytes().hex()}
    assert again == before
    with quiet_transformers():
        plain, info = EuroBertForMaskedLM.from_pretrained(tmp_path / "run", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert (plain.config.pad_token_id, plain.config.mask_token_id) == (0, 4)
    loaded = load_model(str(tmp_path / "run"))
    assert (loaded.fresh, loaded.unused) == ((), ())
    changed = load_model(str(tmp_path / "away")).model.sentence_order.dense.weight
    assert torch.equal(loaded.model.sentence_order.dense.weight, changed)


def test_a_run_goes_on_from_another_runs_encoder(fake_pretrain: Callable[..., Any], tmp_path: Path) -> None:
    first = fake_pretrain(tmp_path / "first", encoder="eurobert", max_steps=4)
    second = fake_pretrain(tmp_path / "second", model=str(tmp_path / "first"), max_steps=4, learning_rate=1e-9)
    # At such a rate nothing moves: the held-out figures are those of the first run's end.
    assert second.evaluation["eval_mlm_loss"] == pytest.approx(first.evaluation["eval_mlm_loss"], rel=1e-5)
    assert second.evaluation["eval_sop_loss"] == pytest.approx(first.evaluation["eval_sop_loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # of torch's inductor
def test_a_compiled_run_agrees_with_an_uncompiled_one(fake_pretrain: Callable[..., Any], tmp_path: Path) -> None:
    plain, compiled = (
        fake_pretrain(tmp_path / str(on), torch_compile=on, max_steps=4, save_steps=2) for on in (False, True)
    )
    assert compiled.loss == pytest.approx(plain.loss, rel=1e-5)
    # And its checkpoints are those of any run.
    (tmp_path / "True" / "checkpoint-4").rename(tmp_path / "away")
    assert fake_pretrain(tmp_path / "True", torch_compile=False, max_steps=4, save_steps=2).resumed_from == 2
