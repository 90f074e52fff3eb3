"""Relations and events from pointer and pair scores, with NumPy alone; see :mod:`macbert.exporting.decoders`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from macbert.annotations import Argument, Entity, Event, Example, Relation, Trigger
from macbert.exporting.decoders import Answers, Decoder, Outputs, judged, sigmoid
from macbert.finetuning.heads.cliques import maximal_cliques
from macbert.finetuning.windows import Tokens, Window

MAX_SPANS, MAX_ARGUMENTS = 64, 128
"""As in fine-tuning: of a window, the most confident first."""

TRIGGER = ""


class Relations(Decoder):
    """A relation is found where its two spans, the pair of first tokens and the pair of last tokens are above 0."""

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        links = []
        for row, window in enumerate(batch):
            subjects, objects = (best_spans(outputs["spans"][row, which], MAX_SPANS) for which in (0, 1))
            heads = outputs["heads"][row][:, subjects[:, 0, None], objects[None, :, 0]]
            tails = outputs["tails"][row][:, subjects[:, 1, None], objects[None, :, 1]]
            weakest = np.minimum(heads, tails)
            shift, own = window.start - window.prefix, []
            for label, s, o in np.argwhere(weakest > 0).tolist():
                (a, b), (c, d) = subjects[s].tolist(), objects[o].tolist()
                spans = outputs["spans"][row]
                score = float(sigmoid(min(weakest[label, s, o], spans[0, a, b], spans[1, c, d])))
                own.append((a + shift, b + shift, label, c + shift, d + shift, score))
            links.append(own)
        return links

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        links = judged(windows, found, lambda link: (min(link[0], link[3]), max(link[1], link[4])))
        scores: dict[tuple[int, int, str], float] = {}
        named = []
        for a, b, number, c, d, score in sorted(links):
            label = self.facts.labels[number]
            types = self.facts.options["argument_types"][label]
            subject, value = ((*tokens.characters(*span), t) for span, t in zip(((a, b), (c, d)), types, strict=True))
            for key in (subject, value):
                scores[key] = max(score, scores.get(key, 0.0))
            named.append((subject, label, value, score))
        order = {key: number for number, key in enumerate(sorted(scores))}
        plain = {label for label in self.facts.labels if "/" not in label}
        # "predicate/slot" is a part of a relation of that predicate, where there is such a label.
        is_slot = {label: "/" in label and label.split("/")[0] in plain for label in self.facts.labels}
        mains = [link for link in named if not is_slot[link[1]]]
        slots: list[dict[str, int]] = [{} for _ in mains]
        for subject, label, value, _ in (link for link in named if is_slot[link[1]]):
            predicate, _, slot = label.partition("/")
            places = [n for n, m in enumerate(mains) if m[:2] == (subject, predicate) and slot not in slots[n]]
            if places:
                slots[min(places, key=lambda n: abs(mains[n][2][0] - value[0]))][slot] = order[value]
        return {
            "entities": tuple(Entity(*key, scores[key]) for key in order),
            "relations": tuple(
                Relation(order[subject], label, order[value], own, score)
                for (subject, label, value, score), own in zip(mains, slots, strict=True)
            ),
        }


class Events(Decoder):
    """An event is a group of spans of one type that are all linked to each other."""

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        cells = [(kind, role) for kind, role in self.facts.options["cells"]]
        return [
            [
                [(a + window.start - window.prefix, b + window.start - window.prefix, *more) for a, b, *more in group]
                for group in self._groups(outputs["arguments"][row], outputs["heads"][row, 0] > 0,
                                          outputs["tails"][row, 0] > 0, cells)
            ]
            for row, window in enumerate(batch)
        ]  # fmt: skip

    def _groups(
        self, spans_HLL: NDArray[Any], heads_LL: NDArray[Any], tails_LL: NDArray[Any], cells: list[tuple[str, str]]
    ) -> list[list[tuple[Any, ...]]]:
        by_type: dict[str, list[tuple[int, int, int, float]]] = defaultdict(list)
        for cell, a, b in best_spans(spans_HLL, MAX_ARGUMENTS).tolist():
            by_type[cells[cell][0]].append((a, b, cell, float(sigmoid(spans_HLL[cell, a, b]))))
        groups: list[list[tuple[Any, ...]]] = []
        for members in by_type.values():
            first, last = np.array([m[0] for m in members]), np.array([m[1] for m in members])
            linked = heads_LL[np.minimum.outer(first, first), np.maximum.outer(first, first)]
            linked &= tails_LL[np.minimum.outer(last, last), np.maximum.outer(last, last)]
            np.fill_diagonal(linked, False)
            links = {n: set(np.flatnonzero(row).tolist()) for n, row in enumerate(linked)}
            for clique in maximal_cliques(links):
                group: list[tuple[Any, ...]] = [members[n] for n in clique]
                if not self.facts.options["needs_trigger"] or any(cells[m[2]][1] == TRIGGER for m in group):
                    groups.append(group)
        return groups

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        kept = judged(windows, found, lambda group: (min(m[0] for m in group), max(m[1] for m in group)))
        return {"events": tuple(self._event(tokens, group) for group in sorted(kept))}

    def _event(self, tokens: Tokens, members: list[tuple[int, int, int, float]]) -> Event:
        cells = self.facts.options["cells"]
        best_first = sorted(members, key=lambda member: -member[3])
        triggers = [m for m in best_first if cells[m[2]][1] == TRIGGER]
        arguments = [
            Argument(cells[cell][1], *tokens.characters(a, b), (), score)
            for a, b, cell, score in best_first
            if cells[cell][1] != TRIGGER
        ]
        return Event(
            cells[members[0][2]][0],
            Trigger(*tokens.characters(*triggers[0][:2])) if triggers else None,
            tuple(sorted(arguments, key=lambda argument: (argument.start, argument.end, argument.role))),
            min(member[3] for member in members),
        )


def best_spans(scores: NDArray[Any], most: int) -> NDArray[np.int64]:
    """Return the places of scores above 0, at most ``most``, then the highest first."""
    places = np.argwhere(scores > 0)
    if len(places) > most:
        places = places[np.argsort(-scores[tuple(places.T)], kind="stable")[:most]]
    return places
