"""Events by GPLinker (Su 2022, kexue.fm/8926): arguments are spans, events are groups whose members are all linked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from macbert.annotations import Argument, Entity, Event, Example, Trigger
from macbert.finetuning.bio import Alignment, token_spans
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder_with_head import HeadOutput
from macbert.finetuning.heads import PairHead, PointerHead
from macbert.finetuning.heads.cliques import maximal_cliques
from macbert.finetuning.tasks.base import Feature, check_labels, unlabelled
from macbert.finetuning.tasks.span_task import SpanModel, SpanTask
from macbert.finetuning.windows import Tokens, Window, judge, text_windows, tokenize
from macbert.metrics import Scores, score_events
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

MAX_ARGUMENTS = 128
"""Arguments of a window, the most confident first: an untrained model must not fill the memory."""

TRIGGER = ""
"""The role of an event's trigger."""

Group = list[tuple[int, int, int, float]]
"""First token, last token, cell number, confidence of each member of an event."""


class EventModel(SpanModel):
    """An encoder with a span head (one label for each event type and role) and two pair heads (same event?)."""

    def __init__(self, encoder: Any, cells: int) -> None:
        super().__init__(encoder)
        hidden = encoder.config.hidden_size
        self.arguments = PointerHead(hidden, cells)
        self.heads = PairHead(hidden, 1, ordered=False)
        self.tails = PairHead(hidden, 1, ordered=False)

    @property
    def pointers(self) -> tuple[PointerHead, ...]:
        return self.arguments, self.heads, self.tails


class Events(SpanTask):
    """Event types with triggers and roles. All members of an event must lie in one window to be learnt as one.

    Where every training event has a trigger, a group without one is no event.
    """

    name = "event"
    requires = "events"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        named = [[(event.type, e.where) for e in part for event in e.events or ()] for part in (train, dev)]
        labels = check_labels(*named, what="event type", least=1, config=config)
        events = [event for example in train for event in example.events or ()]
        roles = {(event.type, role) for event in events for role, _, _ in _members(event)}
        options = {
            "cells": [list(cell) for cell in sorted(roles)],
            "needs_trigger": all(event.trigger is not None for event in events),
        }
        return cls(tokenizer, labels, max_length=config.max_length, stride=config.stride, options=options)

    @property
    def cells(self) -> list[tuple[str, str]]:
        """(event type, role) of each label of the span head."""
        return [(kind, role) for kind, role in self.options["cells"]]

    @property
    def schema_names(self) -> tuple[list[str], list[str]]:
        return self.labels, sorted({role for _, role in self.cells if role != TRIGGER})

    @property
    def head_labels(self) -> tuple[int, ...]:
        return len(self.cells), 1, 1

    def new_model(self, encoder: Any) -> SpanModel:
        return EventModel(encoder, len(self.cells))

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        numbers = {cell: number for number, cell in enumerate(self.cells)}
        alignment = Alignment()
        events: list[list[list[tuple[int, int, int]]]] = []
        for item, example in zip(tokens, examples, strict=True):
            own = []
            for event in example.events or ():
                named = [Entity(start, end, role or TRIGGER) for role, start, end in _members(event)]
                spans = token_spans(item, named, alignment)
                # A role of dev that training lacks is never learnt and counts as missed.
                own.append(
                    [(a, b, numbers[event.type, role]) for a, b, role, _ in spans if (event.type, role) in numbers]
                )
            events.append(own)
        features, held = [], set()
        for window in text_windows(self.tokenizer, tokens, self.max_length, self.stride):
            arguments, heads, tails = set(), set(), set()
            shift = window.prefix - window.start
            for number, members in enumerate(events[window.example]):
                inside = [m for m in members if window.start <= m[0] and m[1] < window.stop]
                if len(inside) == len(members):
                    held.add((window.example, number))
                arguments |= {(cell, a + shift, b + shift) for a, b, cell in inside}
                for a, b, _ in inside:
                    for c, d, _ in inside:
                        heads.add((0, min(a, c) + shift, max(a, c) + shift))
                        tails.add((0, min(b, d) + shift, max(b, d) + shift))
            features.append(self.feature(window, arguments, heads, tails))
        self.notes = {
            "arguments_without_tokens": alignment.without_tokens,
            "arguments_inside_a_token": alignment.inexact,
            "events_longer_than_a_window": sum(map(len, events)) - len(held),
        }
        return features

    def found(self, output: HeadOutput, batch: Sequence[Window], inputs: Any) -> list[list[Group]]:
        """Return the events of each window as their members."""
        spans, heads, tails = output.scores
        return [
            self._window_groups(spans[row], heads[row, 0] > 0, tails[row, 0] > 0, window.start - window.prefix)
            for row, window in enumerate(batch)
        ]

    def assembled(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Example:
        kept = [
            event
            for number, own in enumerate(found)
            for event in own
            if judge(min(m[0] for m in event), max(m[1] for m in event), windows) == number
        ]
        return unlabelled(example, events=tuple(self._event(tokens, members) for members in sorted(kept)))

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_events(gold, predicted)

    def _window_groups(
        self, spans_HLL: torch.Tensor, heads_LL: torch.Tensor, tails_LL: torch.Tensor, shift: int
    ) -> list[Group]:
        places = (spans_HLL > 0).nonzero()
        scores = spans_HLL[tuple(places.T)]
        if len(places) > MAX_ARGUMENTS:
            best = scores.topk(MAX_ARGUMENTS).indices
            places, scores = places[best], scores[best]
        by_type: dict[str, list[tuple[int, int, int, float]]] = defaultdict(list)
        for (cell, a, b), score in zip(places.tolist(), scores.sigmoid().tolist(), strict=True):
            by_type[self.cells[cell][0]].append((a, b, cell, score))
        groups = []
        first, last = heads_LL.tolist(), tails_LL.tolist()
        for members in by_type.values():
            links = {
                n: {
                    m
                    for m, (c, d, *_) in enumerate(members)
                    if m != n and first[min(a, c)][max(a, c)] and last[min(b, d)][max(b, d)]
                }
                for n, (a, b, *_) in enumerate(members)
            }
            for clique in maximal_cliques(links):
                group = [members[n] for n in clique]
                triggers = [m for m in group if self.cells[m[2]][1] == TRIGGER]
                if triggers or not self.options["needs_trigger"]:
                    groups.append([(a + shift, b + shift, cell, score) for a, b, cell, score in group])
        return groups

    def _event(self, tokens: Tokens, members: Group) -> Event:
        kind = self.cells[members[0][2]][0]
        trigger, arguments = None, []
        for a, b, cell, score in sorted(members, key=lambda m: -m[3]):
            role = self.cells[cell][1]
            start, end = tokens.characters(a, b)
            if role != TRIGGER:
                arguments.append(Argument(role, start, end, (), score))
            elif trigger is None:  # two triggers linked to each other: the more confident one
                trigger = Trigger(start, end)
        arguments.sort(key=lambda argument: (argument.start, argument.end, argument.role))
        return Event(kind, trigger, tuple(arguments), min(m[3] for m in members))


def _members(event: Event) -> list[tuple[str, int, int]]:
    """Return (role, start, end) of the trigger and the arguments."""
    trigger = [] if event.trigger is None else [(TRIGGER, event.trigger.start, event.trigger.end)]
    return [*trigger, *((argument.role, argument.start, argument.end) for argument in event.arguments)]
