"""What lies in Elasticsearch and how it is asked for, as plain structures.

Two kinds of documents lie in one Elasticsearch index:

    recording   _id "recording:ID"; where it lies, and the generation of passages that holds its words
    passage     _id "passage:ID:GENERATION:i"; see passages.py
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from indexer import packing
from indexer.passages import Passage
from indexer.types import Location, Phrase, Recording, Term

VERSION = 1

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
        "text": {
            "type": "text",
            "analyzer": "whitespace",  # words are normalised already; this analyser is in every distribution
            "norms": False,
            "index_prefixes": {"min_chars": 2, "max_chars": 19},
        },
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


def candidates(phrase: Phrase) -> dict[str, Any]:
    """The query for the passages that hold a match, as a structure in which words are only words."""
    terms = phrase.terms
    if len(terms) == 1:
        return {"prefix" if terms[0].prefix else "term": {"text": {"value": terms[0].text}}}
    if not phrase.slop and not any(term.prefix for term in terms):
        return {"match_phrase": {"text": {"query": " ".join(term.text for term in terms)}}}
    intervals = [_interval(term) for term in terms]
    return {"intervals": {"text": {"all_of": {"ordered": True, "max_gaps": phrase.slop, "intervals": intervals}}}}


def _interval(term: Term) -> dict[str, Any]:
    return {"prefix": {"prefix": term.text}} if term.prefix else {"match": {"query": term.text}}
