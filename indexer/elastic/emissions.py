"""What an index in Elasticsearch keeps of the sound of its recordings.

    emissions   _id "emissions:ID:GENERATION:i"; a piece: a packed stretch of a recording
    sounding    _id "sounding:MODEL"; what is known of a recognizer's emissions

A piece has the keys of ``audiosearch/spotting/ngram_index.py`` in a field; the server ranks pieces by the keys that
they share with a text, rare ones above all.
"""

from __future__ import annotations

import base64
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from audiosearch.spotting.scoring import KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.elastic import documents
from indexer.elastic.client import Server
from indexer.elastic.reader import NEWEST, Group, Reading
from indexer.elastic.recording_cache import Known
from indexer.types import Heard

CANDIDATES = 5000
"""Pieces of one answer where the best are read, about 5 MB."""

FEW = 1000
"""Recordings that are named in a request."""

BEST = ("-_score", *NEWEST)


def lines(
    recording: str, generation: str, words: Sequence[Word], emissions: Sequence[PackedEmissions]
) -> Iterator[Mapping[str, Any]]:
    """Lines of a bulk request that write the pieces of a generation."""
    starts = [word.start for word in words]
    for number, one in enumerate(emissions):
        from audiosearch.spotting.ngram_index import key_numbers  # numba takes its time

        yield {"index": {"_id": piece_id(recording, generation, number)}}
        yield {
            "kind": "emissions",
            "recording": recording,
            "generation": generation,
            "passage": number,
            "word": bisect_left(starts, one.start),
            "start": one.start,
            "frame_duration": one.frame_duration,
            "frames": one.frames,
            "data": base64.b64encode(one.data).decode(),
            documents.KEYS: [_key(number) for number in key_numbers(one).tolist()],
        }


def piece_id(recording: str, generation: str, number: int) -> str:
    """_id of a piece."""
    return f"emissions:{recording}:{generation}:{number}"


def emissions_of(source: Mapping[str, Any]) -> PackedEmissions:
    """The piece of a document."""
    data = base64.b64decode(source["data"])
    return PackedEmissions(source["start"], source["frame_duration"], source["frames"], data)


def _key(number: int) -> str:
    return f"{number:x}"


def keep_sounding(server: Server, model: str, sounding: str) -> None:
    """Keep what is known of a recognizer's emissions."""
    document = {"kind": "sounding", "model": model, "sounding": sounding}
    server.bulk([{"index": {"_id": f"sounding:{model}"}}, document])
    server.refresh()


def soundings(server: Server) -> dict[str, str]:
    """What is known of the emissions of each recognizer."""
    pages = server.pages({"term": {"kind": "sounding"}}, ["model"], True)
    return {hit["_source"]["model"]: hit["_source"]["sounding"] for page in pages for hit in page}


def seconds(server: Server) -> Seconds:
    """How long the recordings are, all together, that may have emissions: all of recognizers that are known."""
    models = sorted(soundings(server))
    query = {"bool": {"filter": [{"term": {"kind": "recording"}}, {"terms": {"model": models}}]}}
    answer = server.search(size=0, query=query, aggs={"sum": {"sum": {"field": "duration_ms"}}})
    return int(answer["aggregations"]["sum"]["value"]) / 1000


def heard(server: Server, known: Known, recordings: Iterable[str] | None) -> Iterator[Heard]:
    """Pieces of these recordings, or of all."""
    for clauses in _clauses(recordings):
        while clauses:
            reading = Reading(server, known)
            for group in reading.newest(_pieces(clauses), True, None):
                yield from _heard(group)
            clauses = [{"terms": {"generation": list(reading.late)}}] if reading.late else []


def candidates(
    server: Server, known: Known, asked: KeywordQuery, most: int, recordings: Collection[str] | None
) -> Iterator[Heard]:
    """The pieces that go best with the keys of a text, of these recordings or of all."""
    from audiosearch.spotting.ngram_index import query_key_numbers

    keys = [{"term": {documents.KEYS: _key(number)}} for number in query_key_numbers(asked)]
    wanted = None if recordings is None else set(recordings)
    clauses = [{"terms": {"recording": sorted(wanted)}}] if wanted is not None and len(wanted) <= FEW else []
    left = most if keys and wanted != set() else 0
    while left > 0:
        reading = Reading(server, known)
        query = {"bool": {"filter": _pieces(clauses)["bool"]["filter"], "should": keys, "minimum_should_match": 1}}
        with server.snapshot() as snapshot:
            after: Sequence[Any] = ()
            while left > 0:
                size = min(left, CANDIDATES)
                hits = server.hits(query, BEST, True, size, snapshot, after)
                for group in reading.named(hit["_source"] for hit in hits):
                    if wanted is None or group.recording.id in wanted:
                        left -= len(group.found)
                        yield from _heard(group)
                if len(hits) < size:
                    break
                after = hits[-1]["sort"]
        if not reading.late:
            return
        clauses = [{"terms": {"generation": list(reading.late)}}]


def _clauses(recordings: Iterable[str] | None) -> Iterator[list[dict[str, Any]]]:
    """Filters that together let those recordings pass, FEW at once."""
    if recordings is None:
        yield [{"exists": {"field": "recording"}}]
        return
    ids = iter(sorted(recordings))
    while some := list(islice(ids, FEW)):
        yield [{"terms": {"recording": some}}]


def _pieces(clauses: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"filter": [{"term": {"kind": "emissions"}}, *clauses]}}


def _heard(group: Group) -> Iterator[Heard]:
    for source in group.found:
        yield Heard(group.recording.id, group.recording.model, source["word"], emissions_of(source))
