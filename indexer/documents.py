"""What lies in Elasticsearch and how it is asked for, as plain structures.

Two kinds of documents lie in one Elasticsearch index:

    recording   _id "recording:ID"; where it lies, and the generation of passages that holds its words
    passage     _id "passage:ID:GENERATION:i"; see passages.py
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from indexer import packing
from indexer.filters import literal
from indexer.passages import Passage
from indexer.types import Filter, Location, Phrase, Recording, Term

VERSION = 2
"""Of the mapping. 1: without the fields of further readings."""

READINGS = ("text", "text_2", "text_3")
"""Fields of a passage's words: the best reading of every position, the second best, the third best.

The words of one position have one place in each field, so that intervals may take each from any of them; a token
filter that puts words at one position would need a module that not every distribution has.
"""

NO_READING = "\x01"
"""What stands where a position has no further reading; a word is printable."""

_WORDS: dict[str, Any] = {
    "type": "text",
    "analyzer": "whitespace",  # words are normalised already; this analyser is in every distribution
    "norms": False,
    "index_prefixes": {"min_chars": 2, "max_chars": 19},
}

SETTINGS: dict[str, Any] = {"index": {"refresh_interval": "5s"}}

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "_meta": {"application": "audiosearch", "version": VERSION},
    "properties": {
        "kind": {"type": "keyword"},
        "recording": {"type": "keyword"},
        "generation": {"type": "keyword"},
        # of recordings
        "duration_ms": {"type": "long"},
        "model": {"type": "keyword"},
        "added": {"type": "keyword"},
        "words": {"type": "long"},
        "locations": {
            "properties": {
                "path": {"type": "keyword"},
                "size": {"type": "long"},
                "modified_ns": {"type": "long"},
            }
        },
        # of passages
        "passage": {"type": "integer"},
        **dict.fromkeys(READINGS, _WORDS),
        "times": {"type": "binary"},
        "confidences": {"type": "binary"},
    },
}


def recording_id(recording: str) -> str:
    """_id of a recording's document."""
    return f"recording:{recording}"


def passage_id(recording: str, generation: str, number: int) -> str:
    """_id of a passage's document."""
    return f"passage:{recording}:{generation}:{number}"


def recording_document(recording: Recording, generation: str, words: int) -> dict[str, Any]:
    """A recording whose words are those passages."""
    return {
        "kind": "recording",
        "recording": recording.id,
        "generation": generation,
        "duration_ms": packing.milliseconds(recording.duration),
        "model": recording.model,
        "added": recording.added,
        "words": words,
        "locations": locations_field(recording.locations),
    }


def passage_document(recording: str, generation: str, passage: Passage) -> dict[str, Any]:
    """A passage of a generation."""
    return {
        "kind": "passage",
        "recording": recording,
        "generation": generation,
        "passage": passage.number,
        "text": passage.text,
        "times": base64.b64encode(passage.times).decode(),
        "confidences": base64.b64encode(passage.confidences).decode(),
    }


def readings(words: Sequence[Sequence[str]]) -> dict[str, str]:
    """Fields of a passage that has several readings.

    Args:
        words: those of each position, the best first, no more than READINGS has fields.
    """
    ranks = max(map(len, words), default=0)
    return {
        name: " ".join(some[rank] if rank < len(some) else NO_READING for some in words)
        for rank, name in enumerate(READINGS[:ranks])
    }


def passage_of(source: Mapping[str, Any]) -> Passage:
    """The passage of a document."""
    return Passage(
        source["passage"],
        source["text"],
        base64.b64decode(source["times"]),
        base64.b64decode(source["confidences"]),
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


def candidates(phrase: Phrase, *, fields: Sequence[str] = READINGS[:1]) -> dict[str, Any]:
    """The query for the passages that hold a match, as a structure in which words are only words.

    Args:
        fields: those of READINGS in which a word may stand.
    """
    terms = phrase.terms
    if len(terms) == 1:
        kind = "prefix" if terms[0].prefix else "term"
        return _either([{kind: {name: {"value": terms[0].text}}} for name in fields])
    if len(fields) == 1 and not phrase.slop and not any(term.prefix for term in terms):
        return {"match_phrase": {fields[0]: {"query": " ".join(term.text for term in terms)}}}
    intervals = [_interval(term, fields) for term in terms]
    return {"intervals": {fields[0]: {"all_of": {"ordered": True, "max_gaps": phrase.slop, "intervals": intervals}}}}


def _either(queries: list[dict[str, Any]]) -> dict[str, Any]:
    return queries[0] if len(queries) == 1 else {"bool": {"should": queries}}


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


def _interval(term: Term, fields: Sequence[str]) -> dict[str, Any]:
    """The rule for one place of a phrase, which reads the first field unless it is told another."""
    kind, word = ("prefix", "prefix") if term.prefix else ("match", "query")
    rules = [{kind: {word: term.text, **({"use_field": name} if place else {})}} for place, name in enumerate(fields)]
    return rules[0] if len(rules) == 1 else {"any_of": {"intervals": rules}}
