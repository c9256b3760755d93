"""Emissions in an Elasticsearch index, and search for candidates by their keys.

    emissions   _id "emissions:ID:GENERATION:i"; a piece: packed emissions of a segment of a recording
    sounding    _id "sounding:MODEL"; acoustic profile of a recognizer

A field of a piece has the keys of ``audiosearch/spotting/ngram_index.py``. The server ranks pieces by the keys that
they share with a text; rare keys weigh most.
"""

from __future__ import annotations

import base64
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any

from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.elastic import bulk, documents
from indexer.elastic.client import Server
from indexer.elastic.reader import NEWEST, Group, PassageReader
from indexer.elastic.recording_cache import RecordingCache
from indexer.types import StoredEmissions

CANDIDATES_PER_REQUEST = 5000
"""Maximum number of pieces in a response, about 5 MB."""

MAX_NAMED = 1000
"""Maximum number of recordings in a request."""

BEST = ("-_score", *NEWEST)


def emission_lines(
    recording: str, generation: str, words: Sequence[Word], emissions: Sequence[PackedEmissions]
) -> Iterator[Mapping[str, Any]]:
    """Lines of a bulk request for the pieces of a generation."""
    starts = list(accumulate((word.start for word in words), max))  # turns of voices may overlap
    for number, piece in enumerate(emissions):
        from audiosearch.spotting.ngram_index import key_numbers  # numpy is slow to import

        yield {"index": {"_id": piece_id(recording, generation, number)}}
        yield {
            "kind": "emissions",
            "recording": recording,
            "generation": generation,
            "passage": number,
            "word": bisect_left(starts, piece.start),
            "start": piece.start,
            "frame_duration": piece.frame_duration,
            "frames": piece.frames,
            "data": base64.b64encode(piece.data).decode(),
            documents.KEYS: [_key(number) for number in key_numbers(piece).tolist()],
        }


def piece_id(recording: str, generation: str, number: int) -> str:
    """_id of a piece."""
    return f"emissions:{recording}:{generation}:{number}"


def unpack_emissions(source: Mapping[str, Any]) -> PackedEmissions:
    """Packed emissions of a document."""
    data = base64.b64decode(source["data"])
    return PackedEmissions(source["start"], source["frame_duration"], source["frames"], data)


def _key(number: int) -> str:
    return f"{number:x}"


def keep_acoustic_profile(server: Server, model: str, profile: AcousticProfile) -> None:
    """Store the acoustic profile of a recognizer."""
    document = {"kind": "sounding", "model": model, "sounding": profile.to_json()}
    bulk.write(server, [{"index": {"_id": f"sounding:{model}"}}, document])
    server.refresh()


def acoustic_profiles(server: Server) -> dict[str, AcousticProfile]:
    """Acoustic profiles by fingerprint of the recognizer."""
    pages = server.pages({"term": {"kind": "sounding"}}, ["model"], True)
    sources = [hit["_source"] for page in pages for hit in page]
    return {source["model"]: AcousticProfile.from_json(source["sounding"]) for source in sources}


def emissions_duration(server: Server) -> Seconds:
    """Total duration of the recordings that may have emissions: those of recognizers with an acoustic profile."""
    models = sorted(acoustic_profiles(server))
    query = {"bool": {"filter": [{"term": {"kind": "recording"}}, {"terms": {"model": models}}]}}
    response = server.search(size=0, query=query, aggs={"sum": {"sum": {"field": "duration_ms"}}})
    return int(response["aggregations"]["sum"]["value"]) / 1000


def stored_emissions(
    server: Server, cache: RecordingCache, recordings: Iterable[str] | None
) -> Iterator[StoredEmissions]:
    """Pieces of these recordings, or of all."""
    for clauses in _clauses(recordings):
        while clauses:
            reader = PassageReader(server, cache)
            for group in reader.newest(_pieces(clauses), True, None):
                yield from _stored(group)
            clauses = [{"terms": {"generation": list(reader.late)}}] if reader.late else []


def candidate_emissions(
    server: Server, cache: RecordingCache, query: KeywordQuery, limit: int, recordings: Collection[str] | None
) -> Iterator[StoredEmissions]:
    """Pieces that share most keys with a text, of these recordings or of all."""
    from audiosearch.spotting.ngram_index import query_key_numbers

    keys = [{"term": {documents.KEYS: _key(number)}} for number in query_key_numbers(query)]
    wanted = None if recordings is None else set(recordings)
    clauses = [{"terms": {"recording": sorted(wanted)}}] if wanted is not None and len(wanted) <= MAX_NAMED else []
    remaining = limit if keys and wanted != set() else 0
    while remaining > 0:
        reader = PassageReader(server, cache)
        body = {"bool": {"filter": _pieces(clauses)["bool"]["filter"], "should": keys, "minimum_should_match": 1}}
        with server.snapshot() as snapshot:
            after: Sequence[Any] = ()
            while remaining > 0:
                size = min(remaining, CANDIDATES_PER_REQUEST)
                hits = server.hits(body, BEST, True, size, snapshot, after)
                for group in reader.named(hit["_source"] for hit in hits):
                    if wanted is None or group.recording.id in wanted:
                        remaining -= len(group.sources)
                        yield from _stored(group)
                if len(hits) < size:
                    break
                after = hits[-1]["sort"]
        if not reader.late:
            return
        clauses = [{"terms": {"generation": list(reader.late)}}]


def _clauses(recordings: Iterable[str] | None) -> Iterator[list[dict[str, Any]]]:
    """Filters for these recordings, MAX_NAMED in each."""
    if recordings is None:
        yield [{"exists": {"field": "recording"}}]
        return
    ids = iter(sorted(recordings))
    while names := list(islice(ids, MAX_NAMED)):
        yield [{"terms": {"recording": names}}]


def _pieces(clauses: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"filter": [{"term": {"kind": "emissions"}}, *clauses]}}


def _stored(group: Group) -> Iterator[StoredEmissions]:
    for source in group.sources:
        yield StoredEmissions(group.recording.id, group.recording.model, source["word"], unpack_emissions(source))
