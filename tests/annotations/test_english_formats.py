"""NYT and ACE 2005 as people pass them around; the sentences here are made up in their form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.errors import Problem
from macbert.annotations import Example, read_format


def read(tmp_path: Path, form: str, value: object) -> tuple[list[Example], list[Problem]]:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")
    items = list(read_format(form, path))
    return [i for i in items if isinstance(i, Example)], [i for i in items if isinstance(i, Problem)]


HRL = {
    "sentext": "Anna Berg was born in Oslo , the capital of Norway .",
    "entities": [{"text": "Anna Berg", "label": "PERSON"}, {"text": "Oslo", "label": "LOCATION"}],
    "relations": [
        {"em1": "Anna Berg", "em2": "Oslo", "rtext": "/people/person/place_of_birth"},
        {"em1": "Norway", "em2": "Oslo", "rtext": "/location/country/capital"},
        {"em1": "Anna Berg", "em2": "Norway", "rtext": "None"},
        {"em1": "Anna Berg", "em2": "Bergen", "rtext": "/people/person/place_lived"},
    ],
}
COTYPE = {
    "sentText": HRL["sentext"],
    "entityMentions": HRL["entities"],
    "relationMentions": [{"em1Text": r["em1"], "em2Text": r["em2"], "label": r["rtext"]} for r in HRL["relations"]],
}


@pytest.mark.parametrize("value", [HRL, COTYPE], ids=["hrl", "cotype"])
def test_nyt_relations_stand_in_the_text_and_the_others_are_problems(value: object, tmp_path: Path) -> None:
    (example,), problems = read(tmp_path, "nyt", value)
    assert example.entities is not None
    assert example.relations is not None
    told = [
        (example.slice(example.entities[r.subject]), r.predicate, example.slice(example.entities[r.object]))
        for r in example.relations
    ]
    assert told == [
        ("Anna Berg", "/people/person/place_of_birth", "Oslo"),
        ("Norway", "/location/country/capital", "Oslo"),
    ]
    assert example.entities[0].type == "PERSON"
    assert len(problems) == 1
    assert "Bergen" in problems[0].found


WORDS = ["Two", "men", "were", "arrested", "in", "Oslo", "."]
TRIGGER = {"text": "arrested", "start": 3, "end": 4}
ARGUMENTS = [
    {"role": "Person", "text": "Two men", "start": 0, "end": 2, "entity_id": "e1"},
    {"role": "Place", "text": "Oslo", "start": 5, "end": 6, "entity_id": "e2"},
]
NLPCL = {
    "sentence": "Two men were arrested in Oslo.",
    "words": WORDS,
    "golden-event-mentions": [{"event_type": "Justice:Arrest-Jail", "trigger": TRIGGER, "arguments": ARGUMENTS}],
}
ONEIE = {
    "sent_id": "a-1",
    "sentence": NLPCL["sentence"],
    "tokens": WORDS,
    "entity_mentions": [{"id": a["entity_id"], "start": a["start"], "end": a["end"]} for a in ARGUMENTS],
    "event_mentions": [
        {
            "event_type": "Justice:Arrest-Jail",
            "trigger": TRIGGER,
            "arguments": [{"entity_id": a["entity_id"], "role": a["role"], "text": a["text"]} for a in ARGUMENTS],
        }
    ],
}
CHINESE = {
    "sentence": "两名男子在奥斯陆被捕。",
    "golden-event-mentions": [
        {
            "event_type": "Justice:Arrest-Jail",
            "trigger": {"text": "被捕", "position": [8, 9]},
            "arguments": [{"role": "Person", "text": "两名男子"}, {"role": "Place", "text": "奥斯陆"}],
        }
    ],
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NLPCL, ("arrested", "Two men", "Oslo")),
        (ONEIE, ("arrested", "Two men", "Oslo")),
        (CHINESE, ("被捕", "两名男子", "奥斯陆")),
    ],
    ids=["nlpcl", "oneie", "chinese"],
)
def test_ace_events_have_their_triggers_and_arguments(
    value: object, expected: tuple[str, str, str], tmp_path: Path
) -> None:
    (example,), problems = read(tmp_path, "ace05", value)
    assert not problems
    assert example.events is not None
    (event,) = example.events
    assert event.trigger is not None
    assert (example.slice(event.trigger), *(example.slice(a) for a in event.arguments)) == expected
    assert [a.role for a in event.arguments] == ["Person", "Place"]


def test_an_argument_that_cannot_be_placed_is_a_problem(tmp_path: Path) -> None:
    lost = {**CHINESE["golden-event-mentions"][0], "arguments": [{"role": "Place", "text": "卑尔根"}]}
    (example,), problems = read(tmp_path, "ace05", {**CHINESE, "golden-event-mentions": [lost]})
    assert len(problems) == 1
    assert example.events is not None
    assert example.events[0].arguments == ()
