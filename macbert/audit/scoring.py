"""How probable a masked-language model finds given tokens at hidden places; nothing else of an audit knows torch."""

# B = batch, L = tokens of a row, D = hidden, V = vocabulary

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from corpus.errors import UserError
from macbert.finetuning.encoder import load_config, seeded
from macbert.modeling.loading import check_weights, quiet_transformers


@dataclass(frozen=True)
class Row:
    """One question to the model: tokens, of which some are hidden and asked for."""

    ids: tuple[int, ...]
    """With special tokens."""

    hidden: tuple[int, ...]
    """Places that are filled with [MASK] or random tokens."""

    wanted: tuple[tuple[int, ...], ...]
    """Answers to weigh, each with one token for every hidden place."""


class Scorer:
    """A masked-language model in float32, without dropout.

    Args:
        folder: of an encoder with its head; plain transformers' ``AutoModelForMaskedLM`` loads it.
        hide: ``auto``, ``mask`` or ``random``; see :class:`macbert.audit.config.AuditConfig`.
        draws: random fillings that are averaged over.
        batch_tokens: tokens of a batch.
        seed: of the fillings.

    Raises:
        UserError: no model there, or one without its head.
    """

    def __init__(self, folder: str, *, hide: str = "auto", draws: int = 2, batch_tokens: int = 8192, seed: int = 0):
        from transformers import AutoTokenizer

        self.folder = folder
        config = load_config(folder)
        self.model = _load(folder, config)
        with quiet_transformers():
            loaded: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.tokenizer: Any = loaded
        self.hide = _how_to_hide(folder) if hide == "auto" else hide
        self.draws = draws if self.hide == "random" else 1
        self.batch_tokens = batch_tokens
        self.max_length = min(512, getattr(config, "max_position_embeddings", 512))
        self._seed = seed
        special = set(self.tokenizer.all_special_ids)
        names = self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))
        self._ordinary = np.array(
            [n for n, name in enumerate(names) if n not in special and not str(name).startswith(("[", "##", "<"))]
        )

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return a text's tokens with special ones, and the characters of each; (0, 0) for special ones."""
        encoded = self.tokenizer(text, return_offsets_mapping=True, truncation=True, max_length=self.max_length)
        return list(encoded["input_ids"]), [tuple(span) for span in encoded["offset_mapping"]]

    def places(self, text: str, start: int, end: int) -> tuple[list[int], list[int]] | None:
        """Return a text's tokens and the places of those that make up the characters ``start:end``; None if they do
        not fit (cut off, or glued to characters outside)."""
        ids, offsets = self.encode(text)
        inside = [n for n, (a, b) in enumerate(offsets) if a < b and a < end and b > start]
        if not inside or offsets[inside[0]][0] != start or offsets[inside[-1]][1] != end:
            return None
        return ids, inside

    def score(self, rows: Sequence[Row]) -> list[NDArray[np.float64]]:
        """Return, for each row, the log-probability of each wanted answer, (W,): the sum over the hidden places."""

        def of_row(row: Row, log_probabilities_KV: torch.Tensor) -> NDArray[np.float64]:
            wanted_WK = torch.tensor(row.wanted)
            return log_probabilities_KV.gather(1, wanted_WK.T).double().sum(0).numpy()

        return self._each(rows, of_row)

    def best(self, rows: Sequence[Row]) -> list[NDArray[np.int64]]:
        """Return, for each row, the most probable token at each hidden place, (K,)."""
        return self._each(rows, lambda row, log_probabilities_KV: log_probabilities_KV.argmax(1).numpy())

    def _each(self, rows: Sequence[Row], answer: Callable[[Row, torch.Tensor], Any]) -> list[Any]:
        results: list[Any] = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda n: len(rows[n].ids))
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order):
                if (end - start + 1) * len(rows[order[end]].ids) * self.draws > self.batch_tokens:
                    break
                end += 1
            batch = [rows[n] for n in order[start:end]]
            for number, row, values in zip(order[start:end], batch, self._batch(batch), strict=True):
                results[number] = answer(row, values)
            start = end
        return results

    @torch.inference_mode()
    def _batch(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Return each row's log-probabilities at its hidden places, the mean over fillings, (K, V)."""
        width = max(len(row.ids) for row in rows)
        ids_BL = np.full((len(rows) * self.draws, width), self.tokenizer.pad_token_id, np.int64)
        mask_BL = np.zeros_like(ids_BL)
        places: list[tuple[int, int]] = []
        for number, row in enumerate(rows):
            for draw in range(self.draws):
                line = number * self.draws + draw
                ids_BL[line, : len(row.ids)] = row.ids
                ids_BL[line, list(row.hidden)] = self._filling(row, draw)
                mask_BL[line, : len(row.ids)] = 1
                places += [(line, place) for place in row.hidden]
        logits = self._logits(torch.from_numpy(ids_BL), torch.from_numpy(mask_BL), places)
        parts = torch.log_softmax(logits.float(), -1).split([len(row.hidden) * self.draws for row in rows])
        return [part.unflatten(0, (self.draws, -1)).mean(0) for part in parts]

    def _filling(self, row: Row, draw: int) -> NDArray[np.int64] | int:
        """Return what hides a row's places: the same for the same places, so that candidates meet the same noise."""
        if self.hide == "mask":
            return int(self.tokenizer.mask_token_id)
        generator = np.random.default_rng([self._seed, draw, *row.hidden])
        return generator.choice(self._ordinary, len(row.hidden))

    def _logits(self, ids: torch.Tensor, mask: torch.Tensor, places: list[tuple[int, int]]) -> torch.Tensor:
        """Return the vocabulary's logits at some places, (K, V)."""
        lines, columns = (torch.tensor(part) for part in zip(*places, strict=True))
        if self.model.config.model_type == "bert":
            # The head at hidden places only: logits of a whole batch would be 100 times as many.
            hidden = self.model.bert(ids, attention_mask=mask).last_hidden_state
            return self.model.cls(hidden[lines, columns])
        return self.model(input_ids=ids, attention_mask=mask).logits[lines, columns]


def _load(folder: str, config: Any) -> Any:
    from transformers import AutoModelForMaskedLM

    check_weights(folder)
    try:
        with seeded(0), quiet_transformers():
            model, info = AutoModelForMaskedLM.from_pretrained(
                folder, config=config, dtype=torch.float32, output_loading_info=True, local_files_only=True
            )
    except (OSError, RuntimeError, SafetensorError, ValueError) as error:
        found = str(error).strip().splitlines()[0]
        fix = "give a folder with whole weights of an encoder"
        raise UserError.at(folder, expected="a masked-language model", found=found, fix=fix) from None
    missing = set(info["missing_keys"]) - set(getattr(model, "all_tied_weights_keys", ()))
    if lost := sorted(key for key in missing if "pooler" not in key and "position_ids" not in key):
        fix = "give a pretraining run (a fine-tuned folder has lost its head)"
        raise UserError.at(folder, expected="a masked-language-model head", found=f"no {lost[0]}", fix=fix)
    return model.eval()


def _how_to_hide(folder: str) -> str:
    """Return how a run of ours hid tokens; [MASK] for models of others."""
    try:
        manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
        strategy = manifest["config"]["masking"]["strategy"]
    except (OSError, ValueError, KeyError, TypeError):
        return "mask"
    return "random" if strategy in ("mac", "random") else "mask"
