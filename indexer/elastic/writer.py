"""Steps of writing to an index in Elasticsearch.

The document of a recording names a generation of parts: passages with its words, and pieces with its emissions. A
recording is replaced in these steps, of which only the third is visible to readers (``reader.py``):

    1. a note is written that a generation is being written
    2. the parts of the generation are written and refreshed
    3. the recording names the generation, if no other writer changed it in the meantime
    4. the parts of the old generation are deleted, then the note

The parts of a killed writer are never visible. Its note remains. After an hour the next process that opens the index
for writing takes the note and deletes the parts. A writer that was only suspended for that long finds its note taken,
and writes again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from audiosearch.errors import RefusedError, StoreError, UnknownRecordingError
from audiosearch.transcripts.turns import by_time, in_turns
from audiosearch.types import PackedEmissions, Word
from indexer import word_codec
from indexer.corrections import CorrectedWords
from indexer.elastic import bulk, documents
from indexer.elastic.client import Server
from indexer.elastic.emissions import emission_lines
from indexer.elastic.mapping import prepare_corrections
from indexer.elastic.passages import cut
from indexer.elastic.reader import corrections_of, left_behind
from indexer.types import Location, Recording

WRITING_SECONDS = 3600
"""Age at which no generation is still being written: its recording names it, or it is an orphan."""


class _ReplacedError(Exception):
    """A recording was replaced in the meantime."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Documents to write.

    Args:
        words: as corrected.
        corrected: the recognized words with their corrections; None if there are none.
    """

    recording: Recording
    words: Sequence[Word]
    emissions: Sequence[PackedEmissions]
    corrected: CorrectedWords | None


class Writer:
    """Writes, moves and deletes recordings on a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._shown = server.shown

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Store a recording, in place of one with its id, and carry its corrections over."""
        while True:
            base, before = self._corrections(recording.id)
            carried = None if before is None else before.carried(by_time(word_codec.stored(words)))
            parts = _Parts(recording, words if carried is None else carried.words, emissions, carried)
            if self._store(parts, base):
                return

    def revise(self, base: Mapping[str, Any], words: CorrectedWords, emissions: Sequence[PackedEmissions]) -> bool:
        """Replace the corrections of a recording; False if another process changed it.

        Args:
            base: document of the recording.
            emissions: of the generation that it names.
        """
        parts = _Parts(documents.recording_of(base), words.words, emissions, words)
        return self._store(parts, base["generation"], is_new=False)

    def _corrections(self, recording_id: str) -> tuple[str | None, CorrectedWords | None]:
        """Generation that a recording names, and its corrections if it has any."""
        while True:
            current = self._server.get(documents.recording_id(recording_id))
            if current is None:
                return None, None
            source, _ = current
            generation = source["generation"]
            if source.get(documents.CORRECTED) is None:
                return generation, left_behind(self._server, recording_id)
            corrected = corrections_of(self._server, source)
            if corrected is not None:
                return generation, corrected
            self._check_replaced(recording_id, generation)

    def _check_replaced(self, recording_id: str, generation: str) -> None:
        """StoreError if a recording still names a generation of which corrections are missing."""
        (source,) = self._server.documents([documents.recording_id(recording_id)]) or [{"generation": None}]
        if source["generation"] == generation:
            raise StoreError(f"{self._shown} lost corrections of the recording {recording_id}: restore a copy of it")

    def _store(self, parts: _Parts, base: str | None, *, is_new: bool = True) -> bool:
        """Write a generation until a recording names it; False if others changed what it replaces.

        Args:
            base: generation that is replaced; of another one, corrections would be lost.
            is_new: another generation without corrections may be replaced as well.
        """
        if parts.corrected is not None and parts.corrected.revised is not None:
            prepare_corrections(self._server)
        replaceable = {base}
        with suppress(_ReplacedError):
            while not self._write(parts, replaceable, is_new=is_new):
                pass
            return True
        return False

    def _write(self, parts: _Parts, replaceable: set[str | None], *, is_new: bool) -> bool:
        """Write a generation and name it; False if another process swept it in the meantime as an orphan.

        Raises:
            _ReplacedError: the recording names a generation that is not among the ``replaceable`` ones.
        """
        recording, emissions = parts.recording, parts.emissions
        words = in_turns(parts.words)
        passages = list(cut(words))
        generation = f"{_generation_before(0)}-{uuid.uuid4().hex[:12]}"
        note = documents.writing_id(generation)
        self._server.replace(note, documents.writing_document(recording.id, generation), None)
        lines: Iterator[Mapping[str, Any]] = (
            line
            for passage in passages
            for line in (
                {"index": {"_id": documents.passage_id(recording.id, generation, passage.number)}},
                documents.passage_document(recording.id, generation, passage),
            )
        )
        corrections = list(documents.correction_lines(recording.id, generation, parts.corrected))
        sound = emission_lines(recording.id, generation, words, emissions)
        try:
            bulk.write(self._server, chain(lines, sound, corrections))
        except RefusedError as error:
            self._withdraw(generation)
            raise RefusedError(f"{recording.path}: cannot be indexed; {error}.") from error
        self._server.refresh()
        self._check_written(recording, generation, len(passages) + len(emissions) + len(corrections) // 2)
        corrected = None if parts.corrected is None else parts.corrected.revised
        document = documents.recording_document(
            recording, generation, len(words), len(emissions), _now_ms(), corrected
        )  # fmt: skip
        replaceable.add(generation)

        def named(old: dict[str, Any] | None) -> dict[str, Any]:
            if old is None:
                if is_new:
                    return document
                raise _ReplacedError
            if old["generation"] not in replaceable and not (is_new and old.get(documents.CORRECTED) is None):
                raise _ReplacedError
            return document if is_new else {**document, "locations": old["locations"]}

        try:
            replaced = self._replace(recording.id, named) - {generation}
        except _ReplacedError:
            self._withdraw(generation)
            raise
        if replaced:
            self._server.refresh()  # readers with a cache see the new generation before the old one is deleted
        self._sweep(recording.id, replaced)
        written = self._end_note(note)
        self._server.refresh()
        return written

    def _withdraw(self, generation: str) -> None:
        """Delete the parts of a generation that no recording will name, and its note."""
        self._server.refresh()
        self._delete(documents.parts_of(generation))
        bulk.write(self._server, [{"delete": {"_id": documents.writing_id(generation)}}])

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Replace the locations of a recording."""
        now_ms = _now_ms()

        def moved(document: dict[str, Any] | None) -> dict[str, Any]:
            if document is None:
                raise UnknownRecordingError(f"{self._shown} holds no recording {recording_id}")
            return {**document, "locations": documents.locations_field(locations), "named_ms": now_ms}

        self._replace(recording_id, moved)
        self._server.refresh()

    def remove(self, recording_id: str) -> None:
        """Delete a recording."""
        self._sweep(recording_id, self._replace(recording_id, lambda _: None))
        kind = {"term": {"kind": "corrections"}}
        self._delete({"bool": {"filter": [kind, {"term": {"recording": recording_id}}]}})  # also those left behind
        self._server.refresh()

    def _replace(self, recording_id: str, change: Callable[[dict[str, Any] | None], dict[str, Any] | None]) -> set[str]:
        """Replace a recording's document by ``change(document)``, with no other change in between.

        Returns:
            generations named by the document before; several if another writer changed it as well.
        """
        before = set()
        name = documents.recording_id(recording_id)
        while True:
            old, state = self._server.get(name) or (None, None)
            if old is not None:
                before.add(old["generation"])
            if self._server.replace(name, change(old), state):
                return before

    def _check_written(self, recording: Recording, generation: str, parts: int) -> None:
        count = self._server.count(documents.parts_of(generation))
        if count != parts:
            raise StoreError(f"{self._shown} lost {parts - count} documents of {recording.path}: index it again")

    def _sweep(self, recording_id: str, replaced: set[str]) -> None:
        """Delete the parts of generations of a recording."""
        if replaced:
            clauses = [
                documents.PARTS,
                {"term": {"recording": recording_id}},
                {"terms": {"generation": sorted(replaced)}},
            ]
            self._delete({"bool": {"filter": clauses}})

    def sweep(self, min_age_s: float = WRITING_SECONDS) -> None:
        """Delete orphans of writers that stopped long ago: parts that were never named, or replaced and not deleted."""
        is_note = {"terms": {"kind": ["writing", "sweeping"]}}
        is_old = {"range": {"generation": {"lt": _generation_before(min_age_s)}}}
        pages = self._server.pages({"bool": {"filter": [is_note, is_old]}}, ["generation"], True)
        notes = [hit["_source"] for page in pages for hit in page]
        if notes:
            self._server.refresh()
        for note in notes:
            name, recording_id = documents.writing_id(note["generation"]), note["recording"]
            if self._take(name):
                self._sweep(recording_id, self._orphans(recording_id, note["generation"]))
                bulk.write(self._server, [{"delete": {"_id": name}}])

    def _orphans(self, recording_id: str, generation: str) -> set[str]:
        """Generations of a recording to delete after its writer stopped while writing ``generation``."""
        sources = self._server.documents([documents.recording_id(recording_id)])
        named = sources[0]["generation"] if sources else None
        if named != generation:
            return {generation}
        parts = {"bool": {"filter": [documents.PARTS, {"term": {"recording": recording_id}}]}}
        pages = self._server.pages(parts, ["generation", "kind", "passage"], ["generation"])
        unnamed = {hit["_source"]["generation"] for page in pages for hit in page} - {named}
        return {orphan for orphan in unnamed if self._server.get(documents.writing_id(orphan)) is None}

    def _end_note(self, note: str) -> bool:
        """Delete the writer's own note; False if another process took it.

        A process that takes it after this check finds the generation named, and leaves it.
        """
        current = self._server.get(note)
        if current is None or current[0]["kind"] != "writing":
            return False
        bulk.write(self._server, [{"delete": {"_id": note}}])
        return True

    def _take(self, note: str) -> bool:
        """Take the note of a stopped writer, or of a process that stopped while sweeping; False if it is gone."""
        while True:
            current = self._server.get(note)
            if current is None:
                return False
            document, state = current
            if self._server.replace(note, {**document, "kind": "sweeping"}, state):
                return True

    def _delete(self, query: dict[str, Any]) -> None:
        """Delete the parts that match a query."""
        pages = self._server.pages(query, ["generation", "kind", "passage"], False)
        ids = [hit["_id"] for page in pages for hit in page]
        bulk.write(self._server, ({"delete": {"_id": document_id}} for document_id in ids))


def _generation_before(seconds: float) -> str:
    """Lower bound of the generations begun in the last ``seconds``."""
    return f"{_now_ms() - round(1000 * seconds):012x}"


def _now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
