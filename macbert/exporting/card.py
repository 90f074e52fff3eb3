"""The model card: what the manifests know of how a model was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.files import MANIFEST_NAME
from macbert.exporting.config import ExportConfig
from macbert.exporting.result import ExportResult

_PIPELINE = {
    "classify": "text-classification",
    "ner": "token-classification",
    "relation": "token-classification",
    "event": "token-classification",
    "mrc": "question-answering",
    "correct": "fill-mask",
    "encoder": "feature-extraction",
}
"""The hub's names of what a model does."""

_FINETUNING = ("task", "head", "learning_rate", "num_train_epochs", "max_steps", "max_length", "seeds", "seed")
_PRETRAINING = ("model", "max_steps", "global_batch_size", "max_length", "learning_rate", "seed", "masking")
"""Settings that are worth telling; all stand in the manifest."""

_USE = """\
```python
from macbert.exporting import load_exported

load_exported({folder}).extract([{text}])
```
"""

_USE_ENCODER = """\
```python
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(hidden,) = session.run(None, inputs)  # input_ids, token_type_ids, attention_mask: (batch, length) int64
```
"""


def model_card(config: ExportConfig, result: ExportResult) -> str:
    """Return the text of ``README.md``: the hub's header, then data, training, figures, use and limits.

    What no manifest says is said to be unknown; nothing is made up.
    """
    folder = Path(config.model)
    name = config.name or Path(config.output).resolve().name
    made = _manifest(folder) or {}
    header = {
        "language": ["zh"],
        "license": config.license or "unknown",
        "pipeline_tag": _PIPELINE[result.task],
        "library_name": "onnx",
        "tags": ["macbert", "chinese", "onnx", result.task],
    }
    # JSON is YAML too, and quotes whatever a name may hold.
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in header.items()), "---", ""]
    lines += [f"# {name}", "", _about(result), ""]
    lines += ["## Use", "", _use(result, name), "## Data and training", "", *_origin(folder, made), ""]
    lines += ["## Figures", "", *_figures(folder), ""]
    kind = "float32" if result.quantize == "none" else "int8 weights (dynamic)"
    lines += [
        "## This file",
        "",
        f"- `model.onnx`: {result.megabytes:.1f} MB, {kind}, outputs {', '.join(f'`{o}`' for o in result.outputs)}",
        f"- largest difference from torch on test rows: {result.difference:.1e}",
        "",
        "## Licence",
        "",
        config.license
        or "Not stated by whoever exported this model. The licences of the data and of the weights that "
        "training began from decide what is allowed.",
        "",
    ]
    return "\n".join(lines)


def _about(result: ExportResult) -> str:
    if result.task == "encoder":
        return "A Chinese encoder in ONNX form, made with macbert-zh."
    return f"A Chinese model for the task `{result.task}` in ONNX form, made with macbert-zh."


def _use(result: ExportResult, name: str) -> str:
    if result.task == "encoder":
        return _USE_ENCODER
    text = '("谁在北京工作?", "李雷在北京工作。")' if result.task == "mrc" else '"李雷在北京工作。"'
    return _USE.format(folder=json.dumps(name, ensure_ascii=False), text=text)


def _origin(folder: Path, made: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each stage that a manifest tells of, as far back as the folders are still there."""
    if not made:
        yield "- unknown: the folder has no manifest of macbert-zh"
    seen: set[Path] = set()
    place: Path | None = folder
    while place is not None and made and place.resolve() not in seen:
        seen.add(place.resolve())
        yield from _stage(made)
        place = _before(made)
        made = (_manifest(place) or {}) if place is not None else {}


def _stage(made: dict[str, Any]) -> Iterator[str]:
    config, kind = made["config"], made["kind"]
    yield f"- {kind}: recipe SHA-256 `{made['config_sha256'][:16]}`, {_versions(made)}"
    if kind == "finetuned":
        yield f"  - settings: {_settings(config, _FINETUNING)}"
        for name in ("train", "dev"):
            digest = str(made["inputs"].get(name, "unknown"))[:16]
            yield f"  - {name}: `{Path(str(config.get(name))).name}`, SHA-256 `{digest}`"
        yield f"  - began from `{Path(str(config.get('model'))).name}` ({config.get('init', 'pretrained')} weights)"
    if kind == "run":
        yield f"  - settings: {_settings(config, _PRETRAINING)}"
        for entry in config.get("data") or ():
            path = Path(str(entry).rpartition(":")[0] or str(entry))
            tokens = _manifest(path) or _manifest(Path(str(entry))) or {}
            counts = {key: value for key, value in tokens.items() if isinstance(value, int) and key != "schema_version"}
            told = ", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in counts.items())
            yield f"  - data: `{Path(str(entry)).name}`" + (f": {told}" if told else "")


def _before(made: dict[str, Any]) -> Path | None:
    """Return the model folder that a stage began from, if it is still where it was."""
    model = made["config"].get("model")
    if made["kind"] == "exported" or not isinstance(model, str) or not Path(model, MANIFEST_NAME).is_file():
        return None
    return Path(model)


def _figures(folder: Path) -> Iterator[str]:
    path = folder / "result.json"
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        best = max(result["seeds"], key=lambda seed: (seed["value"], -seed["seed"]))
        examples = result["train_examples"], result["dev_examples"]
        metrics = dict(best["metrics"])
    except (OSError, ValueError, KeyError, TypeError):
        yield "None are recorded in the folder."
        return
    yield f"On the dev set, {len(result['seeds'])} seed(s), the best one shown (the model was chosen on this set):"
    yield ""
    yield from (f"- {name}: {value:.4f}" for name, value in metrics.items())
    yield f"- examples: {examples[0]:,} for training, {examples[1]:,} in dev"


def _settings(config: dict[str, Any], names: tuple[str, ...]) -> str:
    given = {name: config[name] for name in names if config.get(name) is not None}
    return ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in given.items())


def _versions(made: dict[str, Any]) -> str:
    versions = made.get("versions", {})
    return ", ".join(f"{name} {versions[name]}" for name in ("macbert-zh", "torch", "transformers") if name in versions)


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        value = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("config"), dict) else None
