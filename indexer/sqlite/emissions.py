"""Emissions in an SQLite index, and an inverted index of their keys for search by sound.

    emissions    a row for each piece: packed emissions of a segment of a recording
    soundings    acoustic profile of each recognizer
    loose_keys   keys of pieces (audiosearch/spotting/ngram_index.py) that are in no block yet
    key_blocks   BLOCK pieces each, as numbers of rows of emissions
    block_keys   for each key in a block, the pieces of the block that have it

A block is made of BLOCK loose pieces; a query reads a few of its keys. Deleted pieces stay in their block: a number
that was deleted gives no candidate, one that was reused may give a poor one. A block with less than half of its pieces
is dissolved.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery
from audiosearch.types import PackedEmissions, Word
from indexer.types import StoredEmissions

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE emissions (
    number         INTEGER PRIMARY KEY, -- number of the recording × 2³² + position of the piece
    word           INTEGER NOT NULL,    -- position of the first word that does not start before it
    start          REAL NOT NULL,
    frame_duration REAL NOT NULL,
    frames         INTEGER NOT NULL,
    data           BLOB NOT NULL
);
CREATE TABLE soundings (
    model          TEXT PRIMARY KEY,    -- fingerprint of the recognizer
    sounding       TEXT NOT NULL        -- AcousticProfile in audiosearch/spotting/scoring.py
) WITHOUT ROWID;
CREATE TABLE loose_keys (
    number         INTEGER PRIMARY KEY, -- as in emissions
    keys           BLOB NOT NULL
);
CREATE TABLE key_blocks (
    block          INTEGER PRIMARY KEY,
    first          INTEGER NOT NULL,    -- lowest and highest of its numbers
    last           INTEGER NOT NULL,
    left           INTEGER NOT NULL,    -- pieces not removed
    numbers        BLOB NOT NULL        -- eight bytes each, lowest first
);
CREATE TABLE block_keys (
    number         INTEGER PRIMARY KEY, -- block × 2¹⁵ + key
    pieces         BLOB NOT NULL        -- positions in the block
);
"""

KEY_MASK = (1 << 15) - 1

ROWS_PER_QUERY = 10_000
"""Rows that one statement reads by number."""

Row = tuple[int, int, float, float, int, bytes]


def add_emissions(
    connection: apsw.Connection, number: int, words: Sequence[Word], emissions: Sequence[PackedEmissions]
) -> None:
    """Store the emissions of a new recording."""
    starts = _starts(words)
    connection.executemany(
        "INSERT INTO emissions VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                (number << 32) + position,
                bisect_left(starts, piece.start),
                piece.start,
                piece.frame_duration,
                piece.frames,
                piece.data,
            )
            for position, piece in enumerate(emissions)
        ),
    )
    if emissions:
        from audiosearch.spotting.ngram_index import BLOCK, pack_keys

        connection.executemany(
            "INSERT INTO loose_keys VALUES (?, ?)",
            (((number << 32) + position, pack_keys(piece)) for position, piece in enumerate(emissions)),
        )
        while connection.execute("SELECT count(*) FROM loose_keys").get >= BLOCK:
            _make_block(connection, BLOCK)


def move_emissions(connection: apsw.Connection, number: int, words: Sequence[Word]) -> None:
    """Refer from the emissions of a recording to other words."""
    starts = _starts(words)
    select = "SELECT number, start FROM emissions WHERE number >= ? AND number < ?"
    pieces = _rows(connection, select, (number << 32, number + 1 << 32)).fetchall()
    connection.executemany(
        "UPDATE emissions SET word = ? WHERE number = ?",
        [(bisect_left(starts, start), piece) for piece, start in pieces],
    )


def _starts(words: Sequence[Word]) -> list[float]:
    """Starts of words, without decrease: turns of voices may overlap."""
    return list(accumulate((word.start for word in words), max))


def _make_block(connection: apsw.Connection, size: int) -> None:
    """Move the first loose pieces into a block."""
    from audiosearch.spotting.ngram_index import invert_keys

    rows = _rows(connection, "SELECT number, keys FROM loose_keys ORDER BY number LIMIT ?", (size,)).fetchall()
    numbers = [number for number, _ in rows]
    block = connection.execute("SELECT coalesce(max(block), -1) + 1 FROM key_blocks").get
    connection.execute(
        "INSERT INTO key_blocks VALUES (?, ?, ?, ?, ?)",
        (block, numbers[0], numbers[-1], size, struct.pack(f"<{size}q", *numbers)),
    )
    connection.executemany(
        "INSERT INTO block_keys VALUES (?, ?)",
        (((block << 15) + key, pieces) for key, pieces in invert_keys([keys for _, keys in rows])),
    )
    connection.execute("DELETE FROM loose_keys WHERE number <= ?", (numbers[-1],))


def remove_emissions(connection: apsw.Connection, number: int) -> None:
    """Delete the emissions of a recording."""
    pieces = number << 32, number + 1 << 32
    connection.execute("DELETE FROM emissions WHERE number >= ? AND number < ?", pieces)
    if connection.changes():
        connection.execute("DELETE FROM loose_keys WHERE number >= ? AND number < ?", pieces)
        touched = _rows(
            connection, "SELECT block, left, numbers FROM key_blocks WHERE last >= ? AND first < ?", pieces
        ).fetchall()
        for block, left, numbers in touched:
            left -= sum(pieces[0] <= piece < pieces[1] for piece in _unpack(numbers))
            connection.execute("UPDATE key_blocks SET left = ? WHERE block = ?", (left, block))
            if 2 * left * 8 < len(numbers):
                _dissolve(connection, block, numbers)


def _dissolve(connection: apsw.Connection, block: int, numbers: bytes) -> None:
    """Delete a block, and make its remaining pieces loose."""
    from audiosearch.spotting.ngram_index import pack_keys

    connection.execute("DELETE FROM block_keys WHERE number >= ? AND number < ?", (block << 15, block + 1 << 15))
    connection.execute("DELETE FROM key_blocks WHERE block = ?", (block,))
    for number in _unpack(numbers):
        select = "SELECT start, frame_duration, frames, data FROM emissions WHERE number = ?"
        for row in _rows(connection, select, (number,)).fetchall():
            keys = pack_keys(PackedEmissions(*row))
            connection.execute("INSERT OR IGNORE INTO loose_keys VALUES (?, ?)", (number, keys))


def _unpack(numbers: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(numbers) // 8}q", numbers)


def read_emissions(connection: apsw.Connection, number: int) -> tuple[PackedEmissions, ...]:
    """Emissions of a recording, as they were added."""
    rows = connection.execute(
        "SELECT start, frame_duration, frames, data FROM emissions WHERE number >= ? AND number < ? ORDER BY number",
        (number << 32, number + 1 << 32),
    )
    return tuple(PackedEmissions(*row) for row in rows)


def keep_acoustic_profile(connection: apsw.Connection, model: str, profile: AcousticProfile) -> None:
    """Store the acoustic profile of a recognizer."""
    connection.execute(
        "INSERT INTO soundings VALUES (?, ?) ON CONFLICT DO UPDATE SET sounding = excluded.sounding",
        (model, profile.to_json()),
    )


def acoustic_profiles(connection: apsw.Connection) -> dict[str, AcousticProfile]:
    """Acoustic profiles by fingerprint of the recognizer."""
    rows = _rows(connection, "SELECT model, sounding FROM soundings")
    return {model: AcousticProfile.from_json(text) for model, text in rows}


def emissions_duration(connection: apsw.Connection) -> float:
    """Total duration of the recordings that may have emissions, in seconds: those of recognizers with a profile."""
    ((milliseconds,),) = _rows(
        connection,
        "SELECT coalesce(sum(duration_ms), 0) FROM recordings WHERE model IN (SELECT model FROM soundings)",
    )
    return float(milliseconds) / 1000


def stored_emissions(connection: apsw.Connection, recordings: Iterable[int] | None) -> Iterator[StoredEmissions]:
    """Pieces of these recordings, or of all."""
    columns = "SELECT number, word, start, frame_duration, frames, data FROM emissions"
    recognized = _recordings(connection)
    if recordings is None:
        yield from _stored(_rows(connection, columns), recognized)
        return
    for number in sorted(recordings):
        bounds = number << 32, number + 1 << 32
        yield from _stored(_rows(connection, f"{columns} WHERE number >= ? AND number < ?", bounds), recognized)


def candidate_emissions(
    connection: apsw.Connection, query: KeywordQuery, limit: int, recordings: Collection[int] | None
) -> Iterator[StoredEmissions]:
    """Pieces that share most keys with a text, of these recordings or of all."""
    from audiosearch.spotting.ngram_index import KeyCounter, query_key_numbers

    keys = query_key_numbers(query)
    counter = KeyCounter(keys)
    blocks: dict[int, int] = {}
    numbers = bytearray()
    for block, packed in connection.execute("SELECT block, numbers FROM key_blocks ORDER BY block"):
        blocks[block] = counter.reserve(len(packed) // 8)
        numbers += packed
    wanted = array("q", [(block << 15) + key for block in blocks for key in keys])
    for start in range(0, len(wanted), ROWS_PER_QUERY):
        for number, pieces in connection.execute(
            "SELECT number, pieces FROM json_each(?) JOIN block_keys ON number = value",
            (str(wanted[start : start + ROWS_PER_QUERY].tolist()),),
        ):
            counter.add_postings(blocks[number >> 15], number & KEY_MASK, pieces)
    for number, packed in connection.execute("SELECT number, keys FROM loose_keys ORDER BY number"):
        counter.add_piece(packed)
        numbers += struct.pack("<q", number)
    best = counter.best_pieces(limit, numbers, recordings)
    recognized = _recordings(connection)
    for start in range(0, len(best), ROWS_PER_QUERY):
        rows = _rows(
            connection,
            "SELECT number, word, start, frame_duration, frames, data "
            "FROM json_each(?) JOIN emissions ON number = value",
            (str(best[start : start + ROWS_PER_QUERY]),),
        )
        yield from _stored(rows, recognized)


def _rows(connection: apsw.Connection, statement: str, values: tuple[object, ...] = ()) -> Any:
    """Rows of a statement, untyped: the schema defines their types."""
    return connection.execute(statement, values)


def _recordings(connection: apsw.Connection) -> dict[int, tuple[str, str]]:
    """Id and model of each recording."""
    rows = _rows(connection, "SELECT number, id, model FROM recordings")
    return {number: (identity, model) for number, identity, model in rows}


def _stored(rows: Iterable[Row], recordings: Mapping[int, tuple[str, str]]) -> Iterator[StoredEmissions]:
    for number, word, start, frame_duration, frames, data in rows:
        identity, model = recordings[number >> 32]
        yield StoredEmissions(identity, model, word, PackedEmissions(start, frame_duration, frames, data))
