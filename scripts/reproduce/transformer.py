"""The numbers of docs/transformer.md, each measured anew: python scripts/reproduce/transformer.py [--small] [--write]

Everything is made on the spot from seeds, and no data is read, but for the comparison of encoders, which pretrains on
encoded documents (``--tokens``, such as the demo's) and is left out without them. One thread, processor time; about
half a CPU-minute, with ``--small`` some seconds, and ten minutes for the encoders. ``--write`` puts the tables into
both languages' pages, ``--only`` measures some of them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
# The folder of this script would stand in front of installed packages.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

sys.path.append(str(ROOT))
from scripts.reproduce.encoders import compare_encoders  # noqa: E402

PAGES = ("docs/transformer.md", "docs/transformer.zh.md")

# B = batch, L = tokens, D = hidden, H = heads


@dataclass(frozen=True)
class Table:
    """One table of the page."""

    name: str
    head: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def markdown(self) -> str:
        """Return the table as the page has it."""
        lines = ["| " + " | ".join(self.head) + " |", "|" + "-|" * len(self.head)]
        return "\n".join([*lines, *("| " + " | ".join(map(_told, row)) + " |" for row in self.rows)])


def scale(samples: int = 20_000, keys: int = 128) -> Table:
    """Var(q.k) grows with d and 1/sqrt(d) takes that away; the softmax's gradient lives only with it."""
    generator = torch.Generator().manual_seed(0)
    rows = []
    for d in (16, 64, 256, 1024):
        q = torch.randn(samples // 10, d, generator=generator)
        k = torch.randn(samples // 10, d, generator=generator)
        products = (q * k).sum(-1)
        queries = torch.randn(max(8, samples // 200), d, generator=generator)
        scores = queries @ torch.randn(keys, d, generator=generator).T
        # The trace of the softmax's Jacobian, sum p (1 - p): 0 where one key has all.
        plain, scaled = ((s.softmax(-1) * (1 - s.softmax(-1))).sum(-1).mean() for s in (scores, scores / math.sqrt(d)))
        rows.append((d, float(products.var()), float((products / math.sqrt(d)).var()), float(plain), float(scaled)))
    head = ("d", "Var(q·k)", "Var(q·k/√d)", "softmax gradient, plain", "scaled")
    return Table("scale", head, rows)


class _OneLayer(nn.Module):
    """Attention over positions and tokens, one linear read-out for each of two questions."""

    def __init__(self, vocabulary: int, length: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, hidden), nn.Embedding(length, hidden)
        self.attention = nn.MultiheadAttention(hidden, heads, batch_first=True, bias=False)
        self.out = nn.Linear(hidden, 2 * vocabulary)

    def forward(self, ids_BL: torch.Tensor) -> torch.Tensor:
        hidden_BLD = self.tokens(ids_BL) + self.places(torch.arange(ids_BL.shape[1]))
        mixed_BLD, _ = self.attention(hidden_BLD, hidden_BLD, hidden_BLD, need_weights=False)
        return self.out(mixed_BLD).unflatten(-1, (2, -1))


def heads(steps: int = 200, seeds: int = 3) -> Table:
    """A token must say which token stands three before and which five before it: two places at once."""
    vocabulary, length, hidden = 16, 16, 64
    rows = []
    for count in (1, 2, 4, 8):
        right = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = _OneLayer(vocabulary, length, hidden, count)
            optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

            def answers(ids_BL: torch.Tensor) -> torch.Tensor:
                return torch.stack([ids_BL.roll(3, 1), ids_BL.roll(5, 1)], -1)

            for _ in range(steps):
                ids_BL = torch.randint(vocabulary, (32, length))
                loss = functional.cross_entropy(model(ids_BL).flatten(0, 2), answers(ids_BL).flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                ids_BL = torch.randint(vocabulary, (256, length))
                right.append(float((model(ids_BL).argmax(-1) == answers(ids_BL)).float().mean()))
        weights = sum(p.numel() for p in model.parameters())
        rows.append((count, hidden // count, weights, float(np.mean(right)), min(right), max(right)))
    return Table("heads", ("heads", "d of a head", "weights", "accuracy", "lowest seed", "highest seed"), rows)


class _Layer(nn.Module):
    """Self-attention and a feed-forward part, each with its own norm; Xavier's initial weights (as in the paper)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(hidden, 4, batch_first=True)
        self.inner, self.outer = nn.Linear(hidden, 4 * hidden), nn.Linear(4 * hidden, hidden)
        self.norms = nn.ModuleList([nn.LayerNorm(hidden), nn.LayerNorm(hidden)])
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.xavier_uniform_(weight)

    def forward(self, x_BLD: torch.Tensor, kind: str) -> torch.Tensor:
        parts: list[Callable[[torch.Tensor], torch.Tensor]] = [
            lambda value: self.attention(value, value, value, need_weights=False)[0],
            lambda value: self.outer(functional.relu(self.inner(value))),
        ]
        for part, norm in zip(parts, self.norms, strict=True):
            if kind == "pre-norm":
                x_BLD = x_BLD + part(norm(x_BLD))
                continue
            x_BLD = part(x_BLD) + (x_BLD if kind in ("residual", "post-norm") else 0)
            x_BLD = norm(x_BLD) if kind in ("norm", "post-norm") else x_BLD
        return x_BLD


def depth(layers: int = 24, hidden: int = 64) -> Table:
    """Gradient norms at initialisation by depth, of five ways to stack the same layers."""
    rows = []
    for kind in ("neither", "norm", "residual", "post-norm", "pre-norm"):
        torch.manual_seed(0)
        stack = nn.ModuleList(_Layer(hidden) for _ in range(layers))
        x_BLD = torch.randn(8, 32, hidden)
        for layer in stack:
            x_BLD = layer(x_BLD, kind)
        functional.mse_loss(functional.layer_norm(x_BLD, (hidden,)), torch.randn_like(x_BLD)).backward()
        norms = [float(layer.outer.weight.grad.norm()) for layer in stack]
        rows.append((kind, norms[0], norms[layers // 2], norms[-1], norms[0] / norms[-1]))
    return Table("depth", ("stack", "first layer", "middle", "last", "first / last"), rows)


def norms(hidden: int = 64, trials: int = 20) -> Table:
    """How much a sentence's normalised states change when the other sentences of its batch do."""
    generator = torch.Generator().manual_seed(0)
    rows = []
    for shortest, longest in ((32, 32), (16, 48), (4, 60)):
        changes: dict[str, list[float]] = {"batch": [], "layer": []}
        for _ in range(trials):
            own = torch.randn(32, hidden, generator=generator)
            seen: dict[str, list[torch.Tensor]] = {"batch": [], "layer": []}
            for _ in range(2):
                others = []
                for _ in range(7):
                    length = int(torch.randint(shortest, longest + 1, (1,), generator=generator))
                    # Sentences differ in level: each has a mean of its own, as topics do.
                    level = torch.randn(hidden, generator=generator)
                    others.append(torch.randn(length, hidden, generator=generator) + level)
                batch = nn.utils.rnn.pad_sequence([own, *others], batch_first=True)
                flat = batch.flatten(0, 1)
                normed = functional.batch_norm(flat, None, None, training=True).view_as(batch)[0, :32]
                seen["batch"].append(normed)
                seen["layer"].append(functional.layer_norm(batch, (hidden,))[0, :32])
            for kind, (first, second) in seen.items():
                changes[kind].append(float((first - second).norm() / first.norm()))
        rows.append((f"{shortest} to {longest}", float(np.mean(changes["batch"])), float(np.mean(changes["layer"]))))
    return Table("norms", ("lengths of the others", "BatchNorm: change", "LayerNorm: change"), rows)


def attention(lengths: Sequence[int] = (128, 256, 512, 1024, 2048), repeats: int = 2) -> Table:
    """Bytes kept for the backward pass, and processor time of both passes, of one head of 64."""
    rows = []
    for length in lengths:
        cells: list[float] = []
        for fused in (False, True):
            torch.manual_seed(0)
            q, k, v = (torch.randn(1, 4, length, 64, requires_grad=True) for _ in range(3))
            kept: dict[int, int] = {}

            def keep(tensor: torch.Tensor, kept: dict[int, int] = kept) -> torch.Tensor:
                storage = tensor.untyped_storage()
                kept[storage.data_ptr()] = storage.nbytes()
                return tensor

            def run(q: Any = q, k: Any = k, v: Any = v, fused: bool = fused) -> torch.Tensor:
                if fused:
                    return functional.scaled_dot_product_attention(q, k, v)
                return (q @ k.transpose(-2, -1) / 8).softmax(-1) @ v

            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                run().sum().backward()
            times = []
            for _ in range(repeats):
                began = time.process_time()
                run().sum().backward()
                times.append(time.process_time() - began)
            cells += [sum(kept.values()) / 1e6, 1000 * min(times)]
        rows.append((length, cells[0], cells[2], cells[1], cells[3]))
    head = ("tokens", "kept, materialised (MB)", "kept, fused (MB)", "time, materialised (ms)", "time, fused (ms)")
    return Table("attention", head, rows)


def encoders(tokens: Sequence[str], **budget: Any) -> Table:
    """Compare both kinds of encoder; see :mod:`scripts.reproduce.encoders`."""
    return Table("encoders", *compare_encoders(tokens, **budget))


def growth(table: Table, column: int) -> float:
    """Return the exponent with which a column of the attention table grows with length: 1 linear, 2 quadratic."""
    lengths = np.log([row[0] for row in table.rows])
    return float(np.polyfit(lengths, np.log([row[column] for row in table.rows]), 1)[0])


def plot(table: Table, path: Path) -> None:
    """Draw bytes over length for both kinds of attention."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    lengths = [row[0] for row in table.rows]
    for column, label in ((1, "materialised"), (2, "fused")):
        axes.plot(lengths, [row[column] for row in table.rows], "o-", label=f"{label}: L^{growth(table, column):.2f}")
    axes.set(xscale="log", yscale="log", xlabel="tokens L", ylabel="MB kept for the backward pass")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, format="svg", metadata={"Date": None})


def measure(small: bool, tokens: Sequence[str] = (), only: Sequence[str] = ()) -> list[Table]:
    """Return the tables, on the full or the small budget."""
    torch.set_num_threads(1)
    tables: dict[str, Callable[[], Table]] = {
        "scale": lambda: scale(20_000 if small else 60_000),
        "heads": lambda: heads(steps=150, seeds=1) if small else heads(),
        "depth": lambda: depth(layers=12 if small else 24),
        "norms": lambda: norms(trials=5 if small else 20),
        "attention": lambda: attention((128, 256, 512), repeats=1) if small else attention(),
    }
    if tokens:
        less = {"steps": 3, "seeds": 1, "rates": (1e-3,), "length": 32}
        tables["encoders"] = lambda: encoders(tokens, **(less if small else {}))
    return [make() for name, make in tables.items() if not only or name in only]


def write(tables: list[Table]) -> None:
    """Put the tables between their marks in both pages."""
    told = f"{time.strftime('%Y-%m-%d')}; {platform.machine()}, one thread; torch {torch.__version__}"
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        for table in tables:
            marks = rf"(<!-- results: {table.name} -->\n).*?(<!-- /results -->)"
            text, count = re.subn(
                marks, lambda m, t=table: f"{m[1]}{t.markdown()}\n\n{told}\n{m[2]}", text, flags=re.DOTALL
            )
            assert count == 1, (page, table.name)
        path.write_text(text, encoding="utf-8")
    for table in tables:
        if table.name == "attention":
            plot(table, ROOT / "docs" / "attention.svg")


def _told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="some seconds instead of half a minute")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/transformer.md and its translation"
    )
    parser.add_argument("--tokens", nargs="+", default=[], help="encoded documents, to compare encoders on")
    parser.add_argument("--only", nargs="+", default=[], help="tables to measure; default: all")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")
    arguments = parser.parse_args()
    tables = measure(arguments.small, arguments.tokens, arguments.only)
    if arguments.json:
        print(
            json.dumps({table.name: {"head": table.head, "rows": table.rows} for table in tables}, ensure_ascii=False)
        )
    else:
        print("\n\n".join(f"{table.name}\n{table.markdown()}" for table in tables))
    if arguments.write:
        write(tables)


if __name__ == "__main__":
    main()
