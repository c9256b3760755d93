"""What lies in Elasticsearch and how it is asked for, as plain structures.

These kinds of documents lie in one Elasticsearch index:

    recording   _id "recording:ID"; where it lies, and the generation of passages that holds its words
    passage     _id "passage:ID:GENERATION:i"; see passages.py
    emissions   _id "emissions:ID:GENERATION:i"; see elastic_sound.py
    writing     _id "writing:GENERATION"; a note of who writes passages that no recording names yet (elastic_writing.py)
    sounding    _id "sounding:MODEL"; see elastic_sound.py
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from indexer import word_codec as packing
from indexer.elastic.passages import GRADES, STRIDE, TOKENS, Passage, begins, first, graded
from indexer.matching.filters import literal
from indexer.types import Filter, Location, Phrase, Recording

VERSION = 3
"""Of the mapping."""

READINGS = ("text", "text_2", "text_3")
"""Fields of a passage's words: the best reading of every position, the second best, the third best.

The words of one position have one place in each field, so that intervals may take each from any of them; a token
filter that puts words at one position would need a module that not every distribution has.
"""

KEYS = "keys"
"""Field of the keys of a piece of emissions."""

NO_READING = "\x01"
"""What stands where a position has no further reading; a word is printable."""

_WORDS: dict[str, Any] = {
    "type": "text",
    "analyzer": "whitespace",  # words are normalized already; this analyzer is in every distribution
    "norms": False,
}

SETTINGS: dict[str, Any] = {"index": {"refresh_interval": "5s"}}

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "_meta": {"application": "audiosearch", "version": VERSION},
    "_source": {"excludes": [TOKENS, KEYS, *READINGS[1:]]},  # they are asked for, and told by the others
    "properties": {
        "kind": {"type": "keyword"},
        "recording": {"type": "keyword"},
        "generation": {"type": "keyword"},
        # of recordings
        "duration_ms": {"type": "long"},
        "named_ms": {"type": "long"},
        "model": {"type": "keyword"},
        "added": {"type": "keyword"},
        "words": {"type": "long"},
        "pieces": {"type": "long"},
        "locations": {
            "properties": {
                "path": {"type": "keyword"},
                "size": {"type": "long"},
                "modified_ns": {"type": "long"},
            }
        },
        # of passages
        "passage": {"type": "integer"},
        TOKENS: {"type": "keyword", "doc_values": False},
        **dict.fromkeys(READINGS, _WORDS),
        "times": {"type": "binary"},
        "confidences": {"type": "binary"},
        "alternatives": {"type": "binary"},
        # of emissions, whose number is in "passage"
        "word": {"type": "integer", "index": False, "doc_values": False},
        "start": {"type": "double", "index": False, "doc_values": False},
        "frame_duration": {"type": "double", "index": False, "doc_values": False},
        "frames": {"type": "integer", "index": False, "doc_values": False},
        "data": {"type": "binary"},
        KEYS: {"type": "keyword", "doc_values": False},
        # of soundings
        "sounding": {"type": "keyword", "index": False, "doc_values": False},
    },
}


def recording_id(recording: str) -> str:
    """_id of a recording's document."""
    return f"recording:{recording}"


def passage_id(recording: str, generation: str, number: int) -> str:
    """_id of a passage's document."""
    return f"passage:{recording}:{generation}:{number}"


PARTS = {"terms": {"kind": ["passage", "emissions"]}}
"""The query for what a generation consists of."""


def parts_of(generation: str) -> dict[str, Any]:
    """The query for all passages and pieces of a generation."""
    return {"bool": {"filter": [PARTS, {"term": {"generation": generation}}]}}


def writing_id(generation: str) -> str:
    """_id of the note of a generation that is being written."""
    return f"writing:{generation}"


def writing_document(recording: str, generation: str) -> dict[str, Any]:
    """The note that a generation of passages is being written."""
    return {"kind": "writing", "recording": recording, "generation": generation}


def recording_document(recording: Recording, generation: str, words: int, pieces: int, named_ms: int) -> dict[str, Any]:
    """A recording whose words are in those passages, and whose emissions in those pieces.

    Args:
        named_ms: when it came to name them or was changed since, by the clock of who writes it, since 1970.
    """
    return {
        "kind": "recording",
        "recording": recording.id,
        "generation": generation,
        "named_ms": named_ms,
        "duration_ms": packing.milliseconds(recording.duration),
        "model": recording.model,
        "added": recording.added,
        "words": words,
        "pieces": pieces,
        "locations": locations_field(recording.locations),
    }


WITHOUT_TIMES = ("recording", "generation", "passage", "text", "confidences", "alternatives")
"""Fields of a passage by which matches are found, with their confidences."""


def passage_document(recording: str, generation: str, passage: Passage) -> dict[str, Any]:
    """A passage of a generation."""
    first = passage.number * STRIDE
    words = passage.words(first, first + STRIDE + 1)
    return {
        "kind": "passage",
        "recording": recording,
        "generation": generation,
        "passage": passage.number,
        "text": passage.text,
        TOKENS: graded(words, STRIDE),
        **_further_readings(passage),
        "times": base64.b64encode(passage.times).decode(),
        "confidences": base64.b64encode(passage.confidences).decode(),
    }


def _further_readings(passage: Passage) -> dict[str, str]:
    """Fields of a passage in which words have alternatives; a word of no position stands where there is none."""
    others = packing.unpack_alternatives(passage.alternatives)
    if not others:
        return {}
    fields = {"alternatives": base64.b64encode(passage.alternatives).decode()}
    for rank, name in enumerate(READINGS[1 : 1 + max(map(len, others.values()))]):
        texts = (others.get(place, ())[rank:] for place in range(passage.text.count(" ") + 1))
        fields[name] = " ".join(some[0].text if some else NO_READING for some in texts)
    return fields


def passage_of(source: Mapping[str, Any]) -> Passage:
    """The passage of a document, without what was not asked for."""
    return Passage(
        source["passage"],
        source["text"],
        base64.b64decode(source.get("times", "")),
        base64.b64decode(source["confidences"]),
        base64.b64decode(source.get("alternatives", "")),
    )


def locations_field(locations: Iterable[Location]) -> list[dict[str, Any]]:
    """Where a recording lies."""
    return [
        {"path": packing.pack_path(one.path), "size": one.size, "modified_ns": one.modified_ns} for one in locations
    ]


def recording_of(source: Mapping[str, Any]) -> Recording:
    """The recording of a document."""
    locations = (
        Location(packing.unpack_path(one["path"]), one["size"], one["modified_ns"]) for one in source["locations"]
    )
    return Recording(
        source["recording"],
        tuple(sorted(locations, key=lambda location: location.path)),
        source["duration_ms"] / 1000,
        source["model"],
        source["added"],
    )


def candidates(phrase: Phrase, grades: Sequence[int] = GRADES) -> dict[str, Any]:
    """The query for the passages that hold a match, as a structure in which words are only words.

    It may find some that hold none.

    Args:
        grades: in one of which the match is; fewer only where the phrase ``is_exact``.
    """
    if not begins(phrase):
        return _anywhere(phrase)
    if len(phrase.terms) <= 2:
        return first(phrase, grades)
    return {"bool": {"filter": [first(phrase, GRADES[min(grades) :]), _anywhere(phrase)]}}


def _anywhere(phrase: Phrase) -> dict[str, Any]:
    """The query for the passages in whose words, in any of READINGS, a phrase may match.

    Prefixes may stand anywhere in the passage: positions of all that begin so would take as much again as the words.
    """
    rules: list[dict[str, Any]] = []
    gaps = phrase.slop + sum(term.prefix for term in phrase.terms)
    intervals = [_interval(term.text) for term in phrase.terms if not term.prefix]
    if intervals:
        rules.append(
            {"intervals": {READINGS[0]: {"all_of": {"ordered": True, "max_gaps": gaps, "intervals": intervals}}}}
        )
    for text in {term.text: None for term in phrase.terms if term.prefix}:
        rules.append({"bool": {"should": [{"prefix": {name: {"value": text}}} for name in READINGS]}})
    return {"bool": {"filter": rules}}


def changed(since_ms: int) -> dict[str, Any]:
    """The query for recordings that were written from a moment on, by the clocks of who wrote them, since 1970."""
    return {"bool": {"filter": [{"term": {"kind": "recording"}}, {"range": {"named_ms": {"gte": since_ms}}}]}}


def filtered(wanted: Filter) -> dict[str, Any]:
    """The query for the recordings that a filter may let pass, and some that it does not.

    Elasticsearch does not know which path goes with which time where a recording lies at several places.
    """
    clauses: list[dict[str, Any]] = [{"term": {"kind": "recording"}}]
    if wanted.paths:
        clauses.append({"bool": {"should": [part for path in wanted.paths for part in _beginnings(path)]}})
    for edge, time in (("gte", wanted.since_ns), ("lt", wanted.until_ns)):
        if time is not None:
            clauses.append({"range": {"locations.modified_ns": {edge: time}}})
    return {"bool": {"filter": clauses}}


def _beginnings(path: str) -> list[dict[str, Any]]:
    """Queries for the paths that begin as all do that a path or glob fits, in either way that they are packed."""
    beginning = literal(path)
    packed = dict.fromkeys((packing.pack_path(beginning), "hex:" + os.fsencode(beginning).hex()))
    return [{"prefix": {"locations.path": {"value": one}}} for one in packed]


def _interval(text: str) -> dict[str, Any]:
    """The rule for one place of a phrase, which reads the first field unless it is told another."""
    rules = [{"match": {"query": text, **({"use_field": name} if at else {})}} for at, name in enumerate(READINGS)]
    return {"any_of": {"intervals": rules}}
