"""The table ``metadata.csv`` of a corpus: names of recordings, texts and perhaps speakers, in columns of any order.

LJSpeech's form is ``name|text|normalized text``; others have a speaker in place of the third column, a header, or
commas or tabs between columns.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audiosearch.tags import normalize_transcript

NAMES = ("file_name", "filename", "file", "audio", "audio_file", "audio_path", "path", "wav", "name", "id")
TEXTS = ("normalized_text", "normalized_transcription", "normalized", "text", "transcription", "transcript", "sentence")
SPEAKERS = ("speaker", "speaker_id", "speaker_name", "client_id")
"""Titles of columns, the preferred ones first."""

MIN_SHARED = 0.5
"""Fraction of words in common with the text from which on a column is its normalized form."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table.

    Args:
        line: number in the file, from 1.
        text: None if the row has too few columns.
    """

    line: int
    name: str
    text: str | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Numbers of columns; texts are alternatives, of which the first that is not empty counts."""

    name: int
    texts: Sequence[int]
    speaker: int | None = None


def read_table(lines: Sequence[str]) -> Iterator[TableRow]:
    """Rows of the table that are not blank, without its header."""
    delimiter = next((mark for mark in "|\t" if any(mark in line for line in lines[:10])), ",")
    rows = [(number, _fields(line, delimiter)) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        return
    columns = _titled(rows[0][1])
    if columns is not None:
        del rows[0]
    else:
        columns = _recognized([fields for _, fields in rows])
    for number, fields in rows:
        values = [fields[column] if column < len(fields) else "" for column in columns.texts]
        name = fields[columns.name] if columns.name < len(fields) else ""
        if len(fields) <= min(columns.texts):
            yield TableRow(number, name)
            continue
        speaker = fields[columns.speaker] if columns.speaker is not None and columns.speaker < len(fields) else None
        yield TableRow(number, name, next(filter(None, values), ""), speaker or None)


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter != ",":
        return [field.strip() for field in line.split(delimiter)]
    if '"' not in line:
        return [field.strip() for field in line.split(",")]
    try:
        return [field.strip() for field in next(csv.reader([line.replace("\r", " ")]), [])]
    except csv.Error:  # a field beyond the limit of the module
        return [field.strip(' "') for field in line.split(",")]


def _titled(header: Sequence[str]) -> Columns | None:
    """Columns by their titles; None if this is no header."""
    titles = [title.strip().strip('"').casefold().replace(" ", "_") for title in header]
    names = [titles.index(title) for title in NAMES if title in titles]
    texts = [titles.index(title) for title in TEXTS if title in titles]
    if not names or not texts:
        return None
    return Columns(names[0], texts, next((titles.index(title) for title in SPEAKERS if title in titles), None))


def _recognized(rows: Sequence[Sequence[str]]) -> Columns:
    """Columns by what they contain: after the name the one with most words, or its normalized form after it."""
    width = max(map(len, rows))
    if width < 3:
        return Columns(0, (1,))
    columns = {n: [row[n] if n < len(row) else "" for row in rows] for n in range(1, width)}
    sizes = {n: sum(map(_plain_words, values)) for n, values in columns.items()}
    text = max(sizes, key=lambda n: (sizes[n], -n))
    first = next(n for n in columns if n == text or _shared(columns[n], columns[text]) >= MIN_SHARED)
    normalized = [n for n in columns if n > first and _shared(columns[n], columns[first]) >= MIN_SHARED]
    return Columns(0, (*reversed(normalized), first))


def _plain_words(text: str) -> int:
    """Number of words without digits and underscores, as identifiers of speakers have."""
    return sum(word.strip(".,;:?!\"'").replace("'", "").replace("-", "").isalpha() for word in text.split())


def _shared(column: Sequence[str], other: Sequence[str]) -> float:
    """Fraction of the words of one column that the other one has in the same row."""
    words = shared = 0
    for text, reference in zip(column, other, strict=True):
        known = set(normalize_transcript(reference).split())
        own = normalize_transcript(text).split()
        words += len(own)
        shared += sum(word in known for word in own)
    return shared / words if words else 0.0
