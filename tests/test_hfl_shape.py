"""A checkpoint of plain transformers, shaped as hfl/chinese-macbert-base is, goes through the road and comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import zstandard
from transformers import AutoTokenizer, BertConfig, BertForPreTraining, BertTokenizer

from macbert.cli import main
from macbert.modeling import load_model
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer, TokenDocuments

VOCABULARY = "lex/bert_chinese_vocab.txt.zst"
SMALL = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512}

pytestmark = pytest.mark.usefixtures("one_thread")


def write_checkpoint(folder: Path, data: Path, shape: dict[str, int], weights: str) -> dict[str, torch.Tensor]:
    """Write config.json, weights and vocab.txt as plain transformers and Google's release have them."""
    folder.mkdir()
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(0)
        model = BertForPreTraining(BertConfig(vocab_size=21128, **shape))
        model.save_pretrained(folder)
    if weights == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / weights)
    vocabulary = zstandard.decompress((data / VOCABULARY).read_bytes())
    (folder / "vocab.txt").write_bytes(vocabulary)
    return model.state_dict()


def macbert(command: str, **settings: Any) -> None:
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    assert main([*command.split(), *flags, "--quiet", "--json"]) == 0, command


# 12 x 768 writes 102 million weights seven times over: in the model, its checkpoint with two moments, and the run.
@pytest.mark.parametrize(
    ("shape", "weights"),
    [
        pytest.param(SMALL, "model.safetensors", id="2x128"),
        pytest.param(SMALL, "pytorch_model.bin", id="2x128 with pytorch_model.bin"),
        pytest.param({}, "model.safetensors", id="12x768", marks=pytest.mark.slow),
    ],
)
def test_a_checkpoint_of_transformers_is_used_whole_trained_on_and_saved_back(
    shape: dict[str, int],
    weights: str,
    shared_data: Path,
    small_road: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs, tokens, table, run = (tmp_path / name for name in ("theirs", "tokens", "table", "run"))
    before = write_checkpoint(theirs, shared_data, shape, weights)

    loaded = load_model(str(theirs))
    assert (loaded.fresh, loaded.unused) == ((), ())
    state = loaded.model.state_dict()
    assert set(state) == set(before)
    assert all(torch.equal(state[name], value) for name, value in before.items())
    heads = {"cls.predictions.bias", "cls.predictions.transform.dense.weight", "cls.seq_relationship.weight"}
    assert heads <= set(state)
    del loaded, state

    macbert("tokenizer similar", input=small_road.corpus, tokenizer=theirs, output=table)
    macbert("tokenizer encode", input=small_road.corpus, tokenizer=theirs, output=tokens, heldout_fraction=0.05)
    sizes = {"global_batch_size": 2, "max_length": 64, "eval_rows": 2}
    macbert("pretrain", model=theirs, data=tokens, similar=table, output=run, max_steps=1, **sizes)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["step"], result["finished"]) == (1, True)

    with quiet_transformers():
        model, info = BertForPreTraining.from_pretrained(run, output_loading_info=True)
    assert {name: list(keys) for name, keys in info.items() if keys} == {}
    after = model.state_dict()
    assert {name: value.shape for name, value in after.items()} == {n: value.shape for n, value in before.items()}
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert {name.split(".")[1] for name in moved} >= {"embeddings", "encoder", "predictions"}
    # One step of AdamW at its highest rate moves a weight by at most that rate (and its decay).
    assert max(float((after[name] - before[name]).abs().max()) for name in moved) < 1e-3

    entries = [(folder / "vocab.txt").read_bytes().removesuffix(b"\n").split(b"\n") for folder in (run, theirs)]
    assert entries[0] == entries[1]
    assert len(entries[0]) == 21128
    google = BertTokenizer(str(theirs / "vocab.txt"))
    saved = AutoTokenizer.from_pretrained(run)
    ours = ChineseTokenizer.from_pretrained(str(theirs))
    assert len(ours.vocab) == len(saved) == 21128
    for text in ("使用语言模型来预测下一个词的概率。", "Riddick在2008年说：“Café”——𠮷野家…"):
        ids = google(text, add_special_tokens=False)["input_ids"]
        assert ids == saved(text, add_special_tokens=False)["input_ids"] == ours.encode(text).input_ids.tolist()
    assert int(TokenDocuments.open(tokens).document(0)[0].max()) < 21128
