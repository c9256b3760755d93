"""Checks of the rows of a corpus before training."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from audiosearch.audio import reader
from audiosearch.data.corpora import Row
from audiosearch.data.manifest import Utterance
from audiosearch.errors import AudioError
from audiosearch.tags import normalize_transcript
from audiosearch.types import Seconds

MAX_PACE = 30.0
"""Characters per second; the fastest readers reach 24."""

MIN_PACE = 0.5
"""Characters per second; below it most of the recording is not the text."""

MAX_FOREIGN_LETTERS = 0.1
"""Largest fraction of letters without normalized form; a text with more is not English."""


@dataclass(frozen=True)
class Kept:
    """A row that passed all checks."""

    utterance: Utterance


@dataclass(frozen=True)
class Rejected:
    """A row that failed a check.

    Args:
        reason: category, the same for all rows with this fault.
        detail: about this row.
    """

    row: Row
    reason: str
    detail: str


def check(rows: Iterable[Row], *, thorough: bool = False, threads: int | None = None) -> Iterator[Kept | Rejected]:
    """Check rows, in order, and return each as kept or rejected.

    Args:
        thorough: decode every recording to its end, not only its beginning.
        threads: for reading recordings; None: one per core.
    """
    rows = iter(rows)
    seen: set[Path] = set()
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        while batch := list(islice(rows, 1024)):
            for verdict in pool.map(lambda row: _judge(row, thorough), batch):
                if isinstance(verdict, Kept):
                    path = verdict.utterance.audio
                    if path in seen:
                        row = Row(verdict.utterance.id, path, verdict.utterance.text, verdict.utterance.speaker)
                        verdict = Rejected(row, "audio listed before", "another line has the same recording")
                    seen.add(path)
                yield verdict


def text_fault(text: str) -> tuple[str, str] | None:
    """Reason and detail for rejecting a text as written; None if it can be used."""
    if not normalize_transcript(text):
        return "no text", f"nothing is left of {text!r}" if text else "the text is empty"
    foreign = _foreign_share(text)
    if foreign > MAX_FOREIGN_LETTERS:
        return "foreign letters", f"{foreign:.0%} of the letters are not Latin"
    return None


def pace_fault(text: str, duration: Seconds) -> tuple[str, str] | None:
    """Reason and detail if a normalized text cannot be spoken in ``duration``; None if it can."""
    rate = len(text) / duration
    if MIN_PACE <= rate <= MAX_PACE:
        return None
    reason = "too much text for its length" if rate > MAX_PACE else "too little text for its length"
    return reason, f"{len(text)} characters in {duration:.2f} s"


def _judge(row: Row, thorough: bool) -> Kept | Rejected:
    if row.fault is not None:
        return Rejected(row, "line malformed", row.fault)
    if fault := text_fault(row.text):
        return Rejected(row, *fault)
    if row.audio is None or not row.audio.exists():
        return Rejected(row, "audio missing", f"there is no {row.audio}" if row.audio else "no audio of this name")
    try:
        duration = _measure(row.audio, thorough)
    except AudioError as error:
        return Rejected(row, "audio unreadable", str(error))
    text = normalize_transcript(row.text)
    if fault := pace_fault(text, duration):
        return Rejected(row, *fault)
    return Kept(Utterance(row.audio, text, round(duration, 3), row.speaker, row.id))


def _measure(path: Path, thorough: bool) -> Seconds:
    """Duration of a recording, of which at least the beginning must be decodable."""
    info = reader.probe(path)
    blocks = reader.read_blocks(path, info.sample_rate, 0.1 if not thorough else 30.0)
    if not thorough:
        next(blocks)
        return info.duration
    decoded = sum(len(block) for block in blocks) / info.sample_rate
    if info.duration - decoded > 0.5:
        raise AudioError(f"{path}: ends after {decoded:.1f} s, but should last {info.duration:.1f} s.")
    return decoded


def _foreign_share(text: str) -> float:
    """Fraction of letters that normalization removes."""
    if text.isascii():
        return 0.0
    letters = [character for character in text if unicodedata.category(character).startswith("L")]
    return sum(not normalize_transcript(character) for character in letters) / max(1, len(letters))
