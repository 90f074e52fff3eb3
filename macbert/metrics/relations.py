"""Relations, by DuIE's rule and by exact spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from macbert.annotations.schema import Entity, Example, Relation
from macbert.metrics.counts import Counts, Scores

MAIN_SLOT = "@value"
"""DuIE's name of the main object."""

Triple = tuple[str, str, tuple[tuple[str, str], ...]]


def score_relations(
    gold: Sequence[Example],
    predicted: Sequence[Example],
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> Scores:
    """Score predicted relations against the whole gold of each text.

    Rules, micro averages, gold and predictions without repetitions:

    - ``duie`` (primary; DuIE's official rule): a relation is right when its predicate, subject and every slot of its
      object equal a gold one's as strings, lower case and without 《》; entity types are not looked at. P counts right
      predictions, R gold relations that were found. With ``aliases``, any alias of a gold string is accepted.
    - ``typed``: the same, without aliases, and the types of subject and objects must agree too.
    - ``span``: predicate, and start and end of subject and of every object slot. Where the data have no offsets of
      their own, the gold spans are the converter's choice: see its rule.
    """
    known = aliases or {}
    per_type: dict[str, Counts] = defaultdict(Counts)
    typed = span = Counts()
    for right, found in zip(gold, predicted, strict=True):
        gold_triples = {triple(right, relation) for relation in right.relations or ()}
        predicted_triples = {triple(found, relation) for relation in found.relations or ()}
        accepted = {item: _variants(item, known) for item in gold_triples}
        matched = {item for item in predicted_triples if any(item in variants for variants in accepted.values())}
        found_gold = {item for item, variants in accepted.items() if variants & predicted_triples}
        for predicate in {item[1] for item in gold_triples | predicted_triples}:
            sets = (matched, predicted_triples, gold_triples, found_gold)
            per_type[predicate] += Counts(*(sum(item[1] == predicate for item in items) for items in sets))
        typed += _agreement(right, found, _typed_key)
        span += _agreement(right, found, _span_key)
    official = sum(per_type.values(), Counts())
    metrics = {**official.as_metrics("duie"), **typed.as_metrics("typed"), **span.as_metrics("span")}
    return Scores("duie_f1", metrics, dict(sorted(per_type.items())), len(gold))


def triple(example: Example, relation: Relation) -> Triple:
    """Return (subject, predicate, object slots) as DuIE compares them.

    >>> from macbert.annotations import Entity
    >>> example = Example("《红蔷薇》金晔", entities=(Entity(0, 5, "作品"), Entity(5, 7, "人物")))
    >>> triple(example, Relation(0, "导演", 1))
    ('红蔷薇', '导演', (('@value', '金晔'),))
    """
    entities = example.entities or ()
    slots = {MAIN_SLOT: relation.object, **relation.slots}
    objects = ((slot, _plain(example.slice(entities[number]))) for slot, number in slots.items())
    return _plain(example.slice(entities[relation.subject])), relation.predicate, tuple(sorted(objects))


def _plain(text: str) -> str:
    return text.lower().replace("《", "").replace("》", "")


def _variants(item: Triple, aliases: Mapping[str, Sequence[str]]) -> set[Triple]:
    def accepted(text: str) -> list[str]:
        return [text, *(_plain(alias) for alias in aliases.get(text, ()))]

    variants: set[Triple] = set()
    objects: list[tuple[tuple[str, str], ...]] = [()]
    for slot, text in item[2]:
        objects = [(*chosen, (slot, alias)) for chosen in objects for alias in accepted(text)]
    for subject in accepted(item[0]):
        variants |= {(subject, item[1], chosen) for chosen in objects}
    return variants


def _agreement(gold: Example, predicted: Example, key: object) -> Counts:
    assert callable(key)
    sides: list[set[Hashable]] = [{key(x, relation) for relation in x.relations or ()} for x in (gold, predicted)]
    return Counts(len(sides[0] & sides[1]), len(sides[1]), len(sides[0]))


def _members(example: Example, relation: Relation) -> list[tuple[str, Entity]]:
    entities = example.entities or ()
    slots = {"": relation.subject, MAIN_SLOT: relation.object, **relation.slots}
    return [(slot, entities[number]) for slot, number in sorted(slots.items())]


def _typed_key(example: Example, relation: Relation) -> Hashable:
    members = _members(example, relation)
    return relation.predicate, tuple((slot, e.type, _plain(example.slice(e))) for slot, e in members)


def _span_key(example: Example, relation: Relation) -> Hashable:
    return relation.predicate, tuple((slot, e.start, e.end) for slot, e in _members(example, relation))
