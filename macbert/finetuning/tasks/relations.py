"""Relations by GPLinker (Su 2022, kexue.fm/8888): overlapping, nested and shared arguments are all sayable.

S(subject, predicate, object) is found where four scores are above 0: the subject's span, the object's span, and for
the predicate the pair of their first tokens and the pair of their last tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from macbert.annotations import Entity, Example, Relation
from macbert.finetuning.bio import Alignment, token_spans
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder_with_head import HeadOutput
from macbert.finetuning.heads import PairHead, PointerHead
from macbert.finetuning.tasks.base import Feature, check_labels, unlabelled
from macbert.finetuning.tasks.span_task import SpanModel, SpanTask
from macbert.finetuning.windows import Tokens, Window, judge, text_windows, tokenize
from macbert.metrics import Scores, score_relations
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

MAX_SPANS = 64
"""Subjects and objects of a window, the most confident first: an untrained model must not fill the memory."""

MAX_LINKS = 256
"""Relations of a window, the most confident first: those of an untrained model took seconds a text to write out."""

SUBJECT, OBJECT = 0, 1
Link = tuple[int, int, int, int, int, float]
"""Subject's first and last token, label, object's first and last token, confidence."""


class RelationModel(SpanModel):
    """An encoder with a span head (subject, object) and two pair heads (first and last tokens)."""

    def __init__(self, encoder: Any, labels: int) -> None:
        super().__init__(encoder)
        hidden = encoder.config.hidden_size
        self.spans = PointerHead(hidden, 2)
        self.heads = PairHead(hidden, labels)
        self.tails = PairHead(hidden, labels)

    @property
    def pointers(self) -> tuple[PointerHead, ...]:
        return self.spans, self.heads, self.tails


class Relations(SpanTask):
    """Subject, predicate, object; a complex object's further slots are labels of their own (``predicate/slot``).

    Both arguments must lie in one window. Types of arguments are the commonest of their predicate in training. A slot
    goes to the relation of the same subject and predicate whose object lies nearest.
    """

    name = "relation"
    requires = "relations"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        named = [
            [(name, e.where) for e in part for r in e.relations or () for name, _ in _links(r)] for part in (train, dev)
        ]
        labels = check_labels(*named, what="predicate", least=1, config=config)
        types: dict[str, Counter[tuple[str, str]]] = {label: Counter() for label in labels}
        for example in train:
            entities = example.entities or ()
            for relation in example.relations or ():
                for label, number in _links(relation):
                    types[label][entities[relation.subject].type, entities[number].type] += 1
        # Sorted first, so that ties do not depend on the order of the file.
        common = {label: max(sorted(count.items()), key=lambda item: item[1])[0] for label, count in types.items()}
        return cls(
            tokenizer,
            labels,
            max_length=config.max_length,
            stride=config.stride,
            options={"argument_types": {k: list(v) for k, v in common.items()}},
        )

    @property
    def schema_names(self) -> tuple[list[str], list[str]]:
        types = {kind for pair in self.options["argument_types"].values() for kind in pair}
        return sorted(types), [label for label in self.labels if "/" not in label]

    @property
    def head_labels(self) -> tuple[int, ...]:
        return 2, len(self.labels), len(self.labels)

    def new_model(self, encoder: Any) -> SpanModel:
        return RelationModel(encoder, len(self.labels))

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        numbers = {label: number for number, label in enumerate(self.labels)}
        alignment = Alignment()
        links: list[set[tuple[int, int, int, int, int]]] = []
        for item, example in zip(tokens, examples, strict=True):
            entities = example.entities or ()
            places = [token_spans(item, [entity], alignment) for entity in entities]
            links.append(
                {
                    (*places[r.subject][0][:2], numbers[label], *places[number][0][:2])
                    for r in example.relations or ()
                    for label, number in _links(r)
                    if places[r.subject] and places[number]
                }
            )
        features, held = [], set()
        for window in text_windows(self.tokenizer, tokens, self.max_length, self.stride):
            inside = [
                link
                for link in links[window.example]
                if window.start <= min(link[0], link[3]) and max(link[1], link[4]) < window.stop
            ]
            held |= {(window.example, *link) for link in inside}
            s = window.prefix - window.start
            spans = {(SUBJECT, a + s, b + s) for a, b, *_ in inside} | {(OBJECT, c + s, d + s) for *_, c, d in inside}
            heads = {(label, a + s, c + s) for a, _, label, c, _ in inside}
            tails = {(label, b + s, d + s) for _, b, label, _, d in inside}
            features.append(self.feature(window, spans, heads, tails))
        lost = sum(map(len, links)) - len(held)
        self.notes = {
            "entities_without_tokens": alignment.without_tokens,
            "entities_inside_a_token": alignment.inexact,
            "relations_longer_than_a_window": lost,
        }
        return features

    def found(self, output: HeadOutput, batch: Sequence[Window], inputs: Any) -> list[list[Link]]:
        return found_links(output, batch)

    def assembled(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Example:
        links = [
            link
            for number, own in enumerate(found)
            for link in own
            if judge(min(link[0], link[3]), max(link[1], link[4]), windows) == number
        ]
        entities, relations = self._assemble(tokens, links)
        return unlabelled(example, entities=entities, relations=relations)

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_relations(gold, predicted)

    def _assemble(self, tokens: Tokens, links: Sequence[Link]) -> tuple[tuple[Entity, ...], tuple[Relation, ...]]:
        """Return the entities in reading order and the relations between them."""
        members: dict[tuple[int, int, str], float] = {}
        named = []
        for a, b, number, c, d, score in sorted(links):
            types = self.options["argument_types"][self.labels[number]]
            pair = [(*tokens.characters(*span), kind) for span, kind in zip(((a, b), (c, d)), types, strict=True)]
            for key in pair:
                members[key] = max(score, members.get(key, 0.0))
            named.append((pair[0], self.labels[number], pair[1], score))
        order = {key: number for number, key in enumerate(sorted(members))}
        entities = tuple(Entity(*key, members[key]) for key in order)
        known = {label for label in self.labels if "/" not in label}
        mains = [entry for entry in named if "/" not in entry[1] or entry[1].split("/")[0] not in known]
        slots: list[dict[str, int]] = [{} for _ in mains]
        for subject, label, value, _ in named:
            predicate, _, slot = label.partition("/")
            if not slot or predicate not in known:
                continue
            places = [n for n, m in enumerate(mains) if m[0] == subject and m[1] == predicate and slot not in slots[n]]
            if places:
                slots[min(places, key=lambda n: abs(mains[n][2][0] - value[0]))][slot] = order[value]
        relations = tuple(
            Relation(order[subject], label, order[value], own, score)
            for (subject, label, value, score), own in zip(mains, slots, strict=True)
        )
        return entities, relations


def found_links(output: HeadOutput, batch: Sequence[Window]) -> list[list[Link]]:
    """Return the links of each window, at most ``MAX_LINKS``, tokens numbered in the whole text."""
    spans, heads, tails = output.scores
    links: list[list[Link]] = []
    for row, window in enumerate(batch):
        subjects, objects = (_best_spans(spans[row, which]) for which in (SUBJECT, OBJECT))
        first = heads[row][:, subjects[:, 0, None], objects[None, :, 0]]
        last = tails[row][:, subjects[:, 1, None], objects[None, :, 1]]
        weakest = torch.minimum(first, last)
        places = (weakest > 0).nonzero()
        scores = weakest[tuple(places.T)]
        if len(places) > MAX_LINKS:
            best = scores.topk(MAX_LINKS).indices
            places, scores = places[best], scores[best]
        label, s, o = places.T
        ends = torch.cat([subjects[s], objects[o]], -1)
        for which, (a, b) in ((SUBJECT, subjects[s].T), (OBJECT, objects[o].T)):
            scores = torch.minimum(scores, spans[row, which, a, b])
        found = zip(
            label.tolist(), (ends + window.start - window.prefix).tolist(), scores.sigmoid().tolist(), strict=True
        )
        links.append([(a, b, kind, c, d, score) for kind, (a, b, c, d), score in found])
    return links


def _best_spans(scores_LL: torch.Tensor) -> torch.Tensor:
    """Return (n, 2) first and last tokens of the spans above 0, at most ``MAX_SPANS``."""
    places = (scores_LL > 0).nonzero()
    if len(places) > MAX_SPANS:
        places = places[scores_LL[places[:, 0], places[:, 1]].topk(MAX_SPANS).indices]
    return places


def _links(relation: Relation) -> list[tuple[str, int]]:
    """Return (label, entity number) of the main object and of every slot."""
    slots = [(f"{relation.predicate}/{slot}", number) for slot, number in relation.slots.items()]
    return [(relation.predicate, relation.object), *slots]
