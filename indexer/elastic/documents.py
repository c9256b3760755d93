"""Documents in Elasticsearch and queries for them, as plain structures; ``mapping.py`` has the types of their fields.

One Elasticsearch index has these kinds of documents:

    recording   _id "recording:ID"; locations, and the generation of passages with the words
    passage     _id "passage:ID:GENERATION:i"; see passages.py
    emissions   _id "emissions:ID:GENERATION:i"; see emissions.py
    corrections _id "corrections:ID:GENERATION"; corrections of the words of a generation,
                with the recognized words
    writing     _id "writing:GENERATION"; a note that passages are being written; see writer.py
    sounding    _id "sounding:MODEL"; acoustic profile of a recognizer; see emissions.py

A recording whose words are corrected says so in its document. Versions of this program that do not know corrections
replace such a recording as usual, and leave the corrections of the generation that they delete: these are then set
aside, and carried over when the recording is added again.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from indexer import word_codec
from indexer.correction_codec import pack_corrections, pack_recognized, unpack_corrections, unpack_recognized
from indexer.corrections import CorrectedWords
from indexer.elastic.passages import STRIDE, TOKENS, Passage, begins_with_token, first_token_query, graded_tokens
from indexer.matching.filters import literal
from indexer.matching.grades import ALL_GRADES
from indexer.types import Filter, Location, Phrase, Recording

READINGS = ("text", "text_2", "text_3")
"""Fields of a passage with the best reading of every position, the second best, and the third best.

A reading has the same position in each field: an intervals query may take each word from any of them. A token filter
for several words at one position would need a module that not every distribution has.
"""

KEYS = "keys"
"""Field of the keys of stored emissions."""

CORRECTED = "corrected"
"""Field of a recording with corrections; older indexes get it with the first one."""

NO_READING = "\x01"
"""Placeholder at a position without a further reading; no word, as words are printable."""


def recording_id(recording: str) -> str:
    """_id of a recording's document."""
    return f"recording:{recording}"


def passage_id(recording: str, generation: str, number: int) -> str:
    """_id of a passage's document."""
    return f"passage:{recording}:{generation}:{number}"


PARTS = {"terms": {"kind": ["passage", "emissions", "corrections"]}}
"""Query for the documents of generations."""


def parts_of(generation: str) -> dict[str, Any]:
    """Query for all documents of a generation."""
    return {"bool": {"filter": [PARTS, {"term": {"generation": generation}}]}}


def writing_id(generation: str) -> str:
    """_id of the note that a generation is being written."""
    return f"writing:{generation}"


def writing_document(recording: str, generation: str) -> dict[str, Any]:
    """Note that a generation is being written."""
    return {"kind": "writing", "recording": recording, "generation": generation}


def recording_document(
    recording: Recording, generation: str, words: int, pieces: int, named_ms: int, corrected: str | None = None
) -> dict[str, Any]:
    """Recording that names a generation.

    Args:
        generation: of its passages and emissions.
        words: number of words.
        pieces: number of documents with emissions.
        named_ms: time of this version of the document by the clock of the writer, since 1970.
        corrected: time of the last correction.
    """
    return {
        "kind": "recording",
        "recording": recording.id,
        "generation": generation,
        "named_ms": named_ms,
        "duration_ms": word_codec.milliseconds(recording.duration),
        "model": recording.model,
        "added": recording.added,
        "words": words,
        "pieces": pieces,
        "locations": locations_field(recording.locations),
        **({} if corrected is None else {CORRECTED: corrected}),
    }


def corrections_id(recording: str, generation: str) -> str:
    """_id of the corrections of a generation."""
    return f"corrections:{recording}:{generation}"


def correction_lines(recording: str, generation: str, words: CorrectedWords | None) -> Iterator[Mapping[str, Any]]:
    """Lines of a bulk request for the corrections of a generation; none without corrections."""
    if words is not None and words.corrections:
        yield {"index": {"_id": corrections_id(recording, generation)}}
        yield {
            "kind": "corrections",
            "recording": recording,
            "generation": generation,
            "passage": 0,  # the parts of a recording are read in this order
            "data": base64.b64encode(pack_corrections(words).encode()).decode(),
            "alternatives": base64.b64encode(pack_recognized(words.recognized)).decode(),
        }


def corrections_in(source: Mapping[str, Any]) -> CorrectedWords:
    """Corrections of a document, with the recognized words."""
    recognized = unpack_recognized(base64.b64decode(source["alternatives"]))
    return unpack_corrections(base64.b64decode(source["data"]).decode(), recognized)


WITHOUT_TIMES = ("recording", "generation", "passage", "text", "confidences", "alternatives")
"""Fields of a passage that determine matches and their confidences."""


def passage_document(recording: str, generation: str, passage: Passage) -> dict[str, Any]:
    """Passage of a generation."""
    first = passage.number * STRIDE
    words = passage.words(first, first + STRIDE + 1)
    return {
        "kind": "passage",
        "recording": recording,
        "generation": generation,
        "passage": passage.number,
        "text": passage.text,
        TOKENS: graded_tokens(words, STRIDE),
        **_further_readings(passage),
        "times": base64.b64encode(passage.times).decode(),
        "confidences": base64.b64encode(passage.confidences).decode(),
    }


def _further_readings(passage: Passage) -> dict[str, str]:
    """Fields of a passage for alternatives; positions without one have NO_READING."""
    alternatives = word_codec.unpack_alternatives(passage.alternatives)
    if not alternatives:
        return {}
    fields = {"alternatives": base64.b64encode(passage.alternatives).decode()}
    for rank, name in enumerate(READINGS[1 : 1 + max(map(len, alternatives.values()))]):
        remaining = (alternatives.get(position, ())[rank:] for position in range(passage.text.count(" ") + 1))
        fields[name] = " ".join(readings[0].text if readings else NO_READING for readings in remaining)
    return fields


def passage_of(source: Mapping[str, Any]) -> Passage:
    """Passage of a document; fields that were not requested may be missing."""
    return Passage(
        source["passage"],
        source["text"],
        base64.b64decode(source.get("times", "")),
        base64.b64decode(source["confidences"]),
        base64.b64decode(source.get("alternatives", "")),
    )


def locations_field(locations: Iterable[Location]) -> list[dict[str, Any]]:
    """Locations as a field of a document."""
    return [
        {"path": word_codec.pack_path(location.path), "size": location.size, "modified_ns": location.modified_ns}
        for location in locations
    ]


def recording_of(source: Mapping[str, Any]) -> Recording:
    """Recording of a document."""
    locations = (
        Location(word_codec.unpack_path(field["path"]), field["size"], field["modified_ns"])
        for field in source["locations"]
    )
    return Recording(
        source["recording"],
        tuple(sorted(locations, key=lambda location: location.path)),
        source["duration_ms"] / 1000,
        source["model"],
        source["added"],
        source.get(CORRECTED),
    )


def candidates(phrase: Phrase, grades: Sequence[int] = ALL_GRADES) -> dict[str, Any]:
    """Query for the passages that may contain a match of a phrase; words are values, never query syntax.

    Args:
        grades: of the match; fewer than all only for a phrase that ``is_exact``.
    """
    if not begins_with_token(phrase):
        return _anywhere(phrase)
    if len(phrase.terms) <= 2:
        return first_token_query(phrase, grades)
    return {"bool": {"filter": [first_token_query(phrase, ALL_GRADES[min(grades) :]), _anywhere(phrase)]}}


def _anywhere(phrase: Phrase) -> dict[str, Any]:
    """Query for the passages in which a phrase may match words of any of READINGS.

    Prefixes may be anywhere in the passage: an index of their positions would be as large as that of the words.
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
    """Query for recordings written since ``since_ms``, milliseconds since 1970 by the clocks of the writers."""
    return {"bool": {"filter": [{"term": {"kind": "recording"}}, {"range": {"named_ms": {"gte": since_ms}}}]}}


def filtered(wanted: Filter) -> dict[str, Any]:
    """Query for the recordings that may pass a filter.

    Recordings with several locations may not pass: Elasticsearch does not relate the paths to the times.
    """
    clauses: list[dict[str, Any]] = [{"term": {"kind": "recording"}}]
    for paths in filter(None, (wanted.paths, wanted.and_paths)):
        clauses.append({"bool": {"should": [part for path in paths for part in _beginnings(path)]}})
    for edge, time in (("gte", wanted.since_ns), ("lt", wanted.until_ns)):
        if time is not None:
            clauses.append({"range": {"locations.modified_ns": {edge: time}}})
    if wanted.ids:
        clauses.append({"terms": {"recording": list(wanted.ids)}})
    return {"bool": {"filter": clauses}}


def _beginnings(path: str) -> list[dict[str, Any]]:
    """Queries for paths with the literal beginning of a path or glob, in both ways of packing."""
    beginning = literal(path)
    packed = dict.fromkeys((word_codec.pack_path(beginning), "hex:" + os.fsencode(beginning).hex()))
    return [{"prefix": {"locations.path": {"value": value}}} for value in packed]


def _interval(text: str) -> dict[str, Any]:
    """Interval rule for a word in any of READINGS; the first is the default field."""
    rules = [{"match": {"query": text, **({"use_field": name} if rank else {})}} for rank, name in enumerate(READINGS)]
    return {"any_of": {"intervals": rules}}
