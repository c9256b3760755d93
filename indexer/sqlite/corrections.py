"""Corrections in an SQLite index.

The table is made with the first correction. Versions of this program that do not know it read and replace corrected
recordings as usual: the row of a recording that such a version replaced no longer names its model and time of indexing.
Its corrections are then set aside, and carried over when the recording is added again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.correction_codec import pack_corrections, pack_recognized, unpack_corrections, unpack_recognized
from indexer.corrections import CorrectedWords
from indexer.types import Recording

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE IF NOT EXISTS corrections (
    id          TEXT PRIMARY KEY, -- of the recording, without a reference: its rows are replaced
    model       TEXT NOT NULL,    -- of the recording, as is its time of indexing
    added       TEXT NOT NULL,
    revised     TEXT NOT NULL,
    corrections TEXT NOT NULL,    -- JSON
    recognized  BLOB NOT NULL
);
"""


class CorrectionStore:
    """Corrections of the recordings of a file."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @property
    def _exists(self) -> bool:
        select = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'corrections'"
        return self._connection.execute(select).get is not None

    def read(self, recording_id: str) -> CorrectedWords | None:
        """Corrections of a recording with the words they refer to; None if there are none."""
        if not self._exists:
            return None
        select = "SELECT corrections, recognized FROM corrections WHERE id = ?"
        for corrections, recognized in self._connection.execute(select, (recording_id,)):
            return unpack_corrections(corrections, unpack_recognized(recognized))
        return None

    def is_current(self, recording: Recording) -> bool:
        """Return whether the corrections of a recording are in its words."""
        return self.revised(recording) is not None

    def revised(self, recording: Recording) -> str | None:
        """Time of the last correction that is in the words of a recording."""
        if not self._exists:
            return None
        values = recording.id, recording.model, recording.added
        revised = self._connection.execute(
            "SELECT revised FROM corrections WHERE id = ? AND model = ? AND added = ?", values
        ).get
        assert revised is None or isinstance(revised, str)
        return revised

    def keep(self, recording: Recording, words: CorrectedWords) -> None:
        """Store the corrections of a recording."""
        self._connection.execute(SCHEMA)
        if words.revised is None:
            self.remove(recording.id)
            return
        values = (recording.id, recording.model, recording.added, words.revised)
        self._connection.execute(
            "INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?, ?, ?)",
            (*values, pack_corrections(words), pack_recognized(words.recognized)),
        )

    def remove(self, recording_id: str) -> None:
        """Delete the corrections of a recording."""
        if self._exists:
            self._connection.execute("DELETE FROM corrections WHERE id = ?", (recording_id,))
