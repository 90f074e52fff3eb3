"""Events, by DuEE's rule and by exact agreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from macbert.annotations.schema import Argument, Event, Example
from macbert.metrics.counts import Counts, Scores


def score_events(gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
    """Score predicted events against the whole gold of each text.

    Rules, micro averages:

    - ``duee`` (primary; DuEE 1.0's official rule): a predicted argument scores [event type and role right] x
      F1 of its characters against the gold argument, the best of its aliases; P = sum / predictions, R = sum / gold;
      case does not count. What the rule leaves open is decided so: shared characters are counted as multisets;
      predictions and gold of a text are paired one to one so that the sum is greatest. Equal arguments of one event
      type and role count once a text.
    - ``strict_argument``: event type, role, start and end.
    - ``trigger``: event type, start and end of the trigger (``trigger_id``: without the type).
    - ``event_type``: the set of event types of a text.
    - ``whole_event``: type, trigger and the set of arguments, all exact (their spans).
    """
    per_type: dict[str, Counts] = defaultdict(Counts)
    exact: dict[str, Counts] = defaultdict(Counts)
    for right, found in zip(gold, predicted, strict=True):
        for label, counts in _official(right, found).items():
            per_type[label] += counts
        for name, key in _KEYS.items():
            sides = [Counter(key(example.events or ())) for example in (right, found)]
            # An event whose trigger or arguments are the same as another's is still an event of its own.
            both = sum((sides[0] & sides[1]).values())
            exact[name] += Counts(both, sum(sides[1].values()), sum(sides[0].values()))
    official = sum(per_type.values(), Counts())
    metrics = official.as_metrics("duee")
    for name in _KEYS:
        metrics |= exact[name].as_metrics(name)
    return Scores("duee_f1", metrics, dict(sorted(per_type.items())), len(gold))


def character_f1(predicted: str, gold: str) -> float:
    """Return the F1 of two strings' characters as multisets, case aside.

    >>> character_f1("北京大学", "北京")
    0.6666666666666666
    """
    a, b = Counter(predicted.lower()), Counter(gold.lower())
    shared = sum((a & b).values())
    return 2 * shared / (len(predicted) + len(gold)) if shared else 0.0


def _official(gold: Example, predicted: Example) -> dict[str, Counts]:
    """Return the counts of one text by event type."""
    cells: dict[tuple[str, str], tuple[dict[str, tuple[str, ...]], dict[str, None]]] = defaultdict(lambda: ({}, {}))
    for event in gold.events or ():
        for argument in event.arguments:
            accepted = cells[event.type, argument.role][0]
            surface = gold.slice(argument)
            accepted[surface] = tuple({*accepted.get(surface, ()), surface, *argument.aliases})
    for event in predicted.events or ():
        for argument in event.arguments:
            cells[event.type, argument.role][1][predicted.slice(argument)] = None
    counts: dict[str, Counts] = defaultdict(Counts)
    for (kind, _), (right, found) in cells.items():
        score = _best_pairing(
            [[max(character_f1(p, a) for a in accepted) for accepted in right.values()] for p in found]
        )
        counts[kind] += Counts(score, len(found), len(right))
    return counts


def _best_pairing(scores: list[list[float]]) -> float:
    """Return the greatest sum of a one-to-one choice (rows and columns are few)."""
    if not scores or not scores[0]:
        return 0.0
    if len(scores) == 1 or len(scores[0]) == 1:
        return max(max(row) for row in scores)
    # Needed for several arguments of one role only; SciPy comes with gensim, which every installation has.
    from scipy.optimize import linear_sum_assignment

    table = np.array(scores)
    return float(table[linear_sum_assignment(table, maximize=True)].sum())


def _arguments(events: Iterable[Event]) -> Iterable[Hashable]:
    return {(event.type, *_place(argument)) for event in events for argument in event.arguments}


def _triggers(events: Iterable[Event]) -> Iterable[Hashable]:
    return {(event.type, event.trigger) for event in events if event.trigger is not None}


def _trigger_places(events: Iterable[Event]) -> Iterable[Hashable]:
    return {event.trigger for event in events if event.trigger is not None}


def _types(events: Iterable[Event]) -> Iterable[Hashable]:
    return {event.type for event in events}


def _wholes(events: Iterable[Event]) -> Iterable[Hashable]:
    return [
        (event.type, event.trigger, frozenset(_place(argument) for argument in event.arguments)) for event in events
    ]


def _place(argument: Argument) -> tuple[str, int, int]:
    return argument.role, argument.start, argument.end


_KEYS = {
    "strict_argument": _arguments,
    "trigger": _triggers,
    "trigger_id": _trigger_places,
    "event_type": _types,
    "whole_event": _wholes,
}
