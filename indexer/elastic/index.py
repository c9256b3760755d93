"""Index in Elasticsearch; its documents are in ``documents.py``, the protocol of writing in ``writer.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from audiosearch.errors import StoreError, UnknownRecordingError
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery
from audiosearch.transcripts.turns import by_time
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.corrections import Change, CorrectedWords
from indexer.elastic import client, documents, mapping
from indexer.elastic.client import Server
from indexer.elastic.connection import address
from indexer.elastic.emissions import (
    acoustic_profiles,
    candidate_emissions,
    emissions_duration,
    keep_acoustic_profile,
    piece_id,
    stored_emissions,
    unpack_emissions,
)
from indexer.elastic.passages import STRIDE
from indexer.elastic.reader import corrections_of, left_behind
from indexer.elastic.recording_cache import RecordingCache
from indexer.elastic.search import PassageQuery
from indexer.elastic.writer import Writer
from indexer.matching import spelling
from indexer.types import Count, Location, Page, Phrase, Query, Recording, Statistics, StoredEmissions


class ElasticIndex:
    """``Index`` on a server."""

    def __init__(self, url: str, *, create: bool) -> None:
        """Connect to the index at a URL (see ``connection.py``); with ``create`` it is created if absent."""
        self._cache = RecordingCache()
        self._server = Server(address(url))
        self._shown = self._server.shown
        try:
            mapping.prepare(self._server, create=create)
            self._writer = Writer(self._server)
            if create:
                self._writer.sweep()
        except BaseException:
            self._server.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def __enter__(self) -> ElasticIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Store a recording, in place of one with its id."""
        self._writer.add(recording, words, emissions)

    def revise(self, recording_id: str, change: Change) -> CorrectedWords:
        """Change the corrections of a recording."""
        while True:
            document, before = self._corrected(recording_id)
            after = change(before)
            if after == before:
                return after
            emissions = self.emissions(recording_id)
            if self._writer.revise(document, after, emissions):
                return after

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Replace the locations of a recording."""
        self._writer.relocate(recording_id, locations)

    def remove(self, recording_id: str) -> None:
        """Delete a recording."""
        self._writer.remove(recording_id)

    def keep_acoustic_profile(self, model: str, profile: AcousticProfile) -> None:
        """Store the acoustic profile of a recognizer."""
        keep_acoustic_profile(self._server, model, profile)

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        pages = self._server.pages({"term": {"kind": "recording"}}, ["recording"], True)
        recordings = [documents.recording_of(hit["_source"]) for page in pages for hit in page]
        return sorted(recordings, key=lambda recording: (recording.path, recording.id))

    def recording(self, recording_id: str) -> Recording | None:
        """Recording of an id; None if it is unknown."""
        sources = self._server.documents([documents.recording_id(recording_id)])
        return documents.recording_of(sources[0]) if sources else None

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """Words of a recording."""
        return tuple(by_time(self.words_between(recording_id, 0, sys.maxsize)))

    def corrected_words(self, recording_id: str) -> CorrectedWords:
        """Recognized words of a recording, and their corrections."""
        _, corrected = self._corrected(recording_id)
        return corrected

    def _corrected(self, recording_id: str) -> tuple[dict[str, Any], CorrectedWords]:
        """Document of a recording, with the corrections of its generation."""
        while True:
            document = self._document(recording_id)
            corrected: CorrectedWords | None
            if document.get(documents.CORRECTED) is not None:
                corrected = corrections_of(self._server, document)
            else:
                words, left = self.words(recording_id), left_behind(self._server, recording_id)
                corrected = CorrectedWords(words) if left is None else left.set_aside(words)
            is_same = self._document(recording_id)["generation"] == document["generation"]
            if is_same and corrected is not None:
                return document, corrected
            if is_same:
                raise StoreError(f"{self._shown} lost corrections of the recording {recording_id}: restore a copy")

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        """Existing words at the positions ``first`` to ``end`` (exclusive)."""

        def ids(document: Mapping[str, Any]) -> list[str]:
            last = min(end, document["words"])
            numbers = range(first // STRIDE, -(-last // STRIDE))
            return [documents.passage_id(recording_id, document["generation"], number) for number in numbers]

        words = []
        for passage in map(documents.passage_of, self._parts(recording_id, ids)):
            start = passage.number * STRIDE
            words += passage.words(max(start, first), min(start + STRIDE, end))
        return tuple(words)

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        """Stored emissions of a recording."""

        def ids(document: Mapping[str, Any]) -> list[str]:
            pieces = range(document["pieces"])
            return [piece_id(recording_id, document["generation"], number) for number in pieces]

        return tuple(map(unpack_emissions, self._parts(recording_id, ids)))

    def _parts(self, recording_id: str, ids: Callable[[Mapping[str, Any]], list[str]]) -> list[dict[str, Any]]:
        """Documents of the generation that a recording names; ``ids`` maps the recording's document to their ids."""
        while True:
            recording = self._document(recording_id)
            wanted = ids(recording)
            parts = self._server.documents(wanted)
            if len(parts) == len(wanted):
                return parts
            if self._document(recording_id)["generation"] == recording["generation"]:
                raise StoreError(f"{self._shown} lost words of the recording {recording_id}: index it again")

    def _document(self, recording_id: str) -> dict[str, Any]:
        """Document of a recording."""
        sources = self._server.documents([documents.recording_id(recording_id)])
        if not sources:
            raise UnknownRecordingError(f"{self._shown} holds no recording {recording_id}")
        return sources[0]

    def acoustic_profiles(self) -> dict[str, AcousticProfile]:
        """Acoustic profiles by fingerprint of the recognizer."""
        return acoustic_profiles(self._server)

    def emissions_duration(self) -> Seconds:
        """Total duration of the recordings of which emissions may be stored."""
        return emissions_duration(self._server)

    def stored_emissions(self, recordings: Iterable[str] | None = None) -> Iterator[StoredEmissions]:
        """Stored emissions of all recordings, or of the known ones among these."""
        return stored_emissions(self._server, self._cache, recordings)

    def candidate_emissions(
        self, query: KeywordQuery, limit: int, recordings: Collection[str] | None = None
    ) -> Iterator[StoredEmissions]:
        """Stored emissions that share most keys with a text."""
        return candidate_emissions(self._server, self._cache, query, limit, recordings)

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """First ``limit`` hits, or the first after those of another page."""
        return self._query(query).page(limit, after)

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and the number of their hits."""
        return self._query(query).counts()

    def _query(self, query: Query) -> PassageQuery:
        return PassageQuery(self._server, query, self._cache)

    def occurring(self, texts: Collection[str], slop: int = 0) -> list[str]:
        """Those of the texts of phrases that may match in a passage."""
        filters = {text: documents.candidates(Phrase.of(text, slop)) for text in texts}
        if not filters:
            return []
        response = self._server.search(
            size=0, aggs={"phrases": {"filters": {"filters": filters}}}, track_total_hits=False
        )
        buckets = response["aggregations"]["phrases"]["buckets"]
        return [text for text in texts if buckets[text]["doc_count"]]

    def similar_words(self, word: str, limit: int) -> list[str]:
        """Words of the index with similar spelling, without the word itself, most similar first."""
        edits = spelling.max_edits(word)
        if not edits:
            return []
        term = {
            "field": "text",
            "analyzer": "whitespace",
            "suggest_mode": "always",
            "max_edits": edits,
            "prefix_length": 0,
            "min_word_length": 1,
            "accuracy": 0.0,
            "max_term_freq": 2**31 - 1,
            "size": client.PAGE,
        }
        suggest = {"near": {"text": word, "term": term}}
        response = self._server.search(size=0, suggest=suggest)
        candidates = [option["text"] for entry in response["suggest"]["near"] for option in entry["options"]]
        # The server also suggests words of deleted passages.
        filters = {text: {"term": {"text": text}} for text in spelling.most_similar(word, candidates, client.PAGE)}
        if not filters:
            return []
        counts = {"near": {"filters": {"filters": filters}}}
        response = self._server.search(size=0, aggs=counts)
        buckets = response["aggregations"]["near"]["buckets"]
        return [text for text in filters if buckets[text]["doc_count"]][: max(limit, 0)]

    def is_writable(self) -> bool:
        """Return False if the settings of the index forbid writing."""
        return self._server.is_writable()

    def statistics(self) -> Statistics:
        """Totals of the index."""
        sums = {name: {"sum": {"field": name}} for name in ("words", "duration_ms")}
        query = {"term": {"kind": "recording"}}
        response = self._server.search(size=0, query=query, aggs=sums, track_total_hits=True)
        return Statistics(
            recordings=response["hits"]["total"]["value"],
            words=int(response["aggregations"]["words"]["value"]),
            seconds=int(response["aggregations"]["duration_ms"]["value"]) / 1000,
            bytes=self._server.bytes(),
        )
