"""Transcripts in lists of intervals: NIST CTM, Praat TextGrid, label tracks and tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import ALIGN, ImportedTranscript, Token, interpolate_times, is_by_word
from audiosearch.transcripts.json_reader import read_values
from audiosearch.transcripts.json_shapes import WORDS
from audiosearch.transcripts.numbers import mend_confidence, mend_times

# CTM: file channel start duration word [confidence [type [speaker]]], comments after ;;

_NO_WORDS = {"non-lex", "noise", "misc"}
"""Types of entries of CTM files that are no words."""


def read_ctm(path: Path, text: str, channel: str | None) -> list[ImportedTranscript]:
    """Transcript of each recording in a CTM file; channels are merged by time, and malformed lines are left out.

    Args:
        channel: the only one to read.

    Raises:
        TranscriptError: most lines are malformed, or there is no such channel.
    """
    tokens: dict[str, list[Token]] = {}
    channels: dict[str, None] = {}
    faults: list[str] = []
    skipping = False  # alternatives after the first, between <ALT> and <ALT_END>
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(";;")[0].split()
        if not fields:
            continue
        location = f"{path}, line {number}"
        if len(fields) > 4 and fields[4].startswith("<ALT"):
            channels[fields[1]] = None
            skipping = fields[4] == "<ALT>"
            continue
        name, track, token = _ctm_token(fields, location)
        if token is None:
            faults.append(
                f"{location}: is no line of CTM: file, channel, start, duration, word, optionally confidence."
            )
            continue
        channels[track] = None
        if skipping or channel not in (None, track) or (len(fields) > 6 and fields[6] in _NO_WORDS):
            continue
        tokens.setdefault(name, []).append(token)
    if len(faults) > sum(map(len, tokens.values())) and channel is None:
        raise TranscriptError(faults[0])
    if channel is not None and channel not in channels:
        raise TranscriptError(f"{path}: has no channel {channel}, only {', '.join(channels) or 'none'}.")
    if len({token.voice for words in tokens.values() for token in words}) < 2:  # the channel says nothing
        tokens = {name: [replace(token, voice=None) for token in words] for name, words in tokens.items()}
    transcripts = [
        ImportedTranscript(name, "ctm", tuple(interpolate_times(words, 0.0, max(word.end or 0.0 for word in words))))
        for name, words in tokens.items()
    ]
    return [replace(spoken, faults=tuple(faults) if spoken is transcripts[0] else ()) for spoken in transcripts]


def _ctm_token(fields: Sequence[str], location: str) -> tuple[str, str, Token | None]:
    """File, channel and word of a line; no word if it is malformed."""
    if len(fields) < 5 or None in (numbers := [_number(value) for value in fields[2:4]]):
        return "", "", None
    name, track = fields[:2]
    words, rest = list(fields[4:5]), list(fields[5:])
    if len(rest) > 1 and not _is_confidence(rest[0]) and _is_confidence(rest[-1]):  # a word with spaces
        words, rest = [*words, *rest[:-1]], rest[-1:]
    start, length = (number or 0.0 for number in numbers)
    first, last, mended = mend_times(start, start + length)
    score, mended_score = mend_confidence(None if not rest or rest[0] in ("NA", "-") else rest[0])
    token = Token(" ".join(words), first, last, score, location, mended=mended or mended_score, voice=track)
    return name, track, token


def _is_confidence(text: str) -> bool:
    return text in ("NA", "-") or _number(text) is not None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


# TextGrid

_GRID = re.compile(r'"(?:[^"]|"")*"|(?<![\w\[.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w\]])')
_SEGMENTS = re.compile(r"phon|syll|mau$|kan$", re.IGNORECASE)
"""Names of tiers of smaller and larger units than words."""

_PAUSES = {"", "sp", "sil", "<eps>", "<p:>", "#"}


def read_textgrid(path: Path, text: str, *, word_times: bool = True) -> ImportedTranscript:
    """Words of the tiers that are called words, or else of all with a word in each interval, each a voice.

    Raises:
        TranscriptError: the file is damaged, or no tier has words.
    """
    tiers = _tiers(path, text)
    chosen = [tier for tier in tiers if "word" in tier[0].lower()]
    others = [tier for tier in tiers if not _SEGMENTS.search(tier[0])]
    chosen = chosen or [tier for tier in others if is_by_word([token.text for token in tier[1]])]
    has_times = bool(chosen) or not any(tokens for _, tokens in others)
    if not has_times and word_times:
        names = ", ".join(name for name, _ in tiers)
        raise TranscriptError(f"{path}: is a TextGrid without a tier of words, only {names}; {ALIGN}.")
    tokens: list[Token] = []
    breaks = []
    for name, intervals in chosen or others[:1]:
        voice = re.sub(r"\W*words?\W*", "", name, flags=re.IGNORECASE) or None
        for token in intervals:
            pieces = [replace(token, text=word, start=None, end=None) for word in token.text.split()]
            timed = interpolate_times(pieces, token.start or 0.0, token.end or 0.0)
            tokens += [replace(piece, voice=voice if len(chosen) > 1 else None) for piece in timed]
            breaks.append(token.end or 0.0)
    return ImportedTranscript("", "textgrid", tuple(tokens), breaks=() if has_times else tuple(breaks))


def _tiers(path: Path, text: str) -> list[tuple[str, list[Token]]]:
    """Names and intervals of the interval tiers, of the long or short form."""
    items: list[str | float] = [
        part[1:-1].replace('""', '"') if part.startswith('"') else float(part) for part in _GRID.findall(text)
    ]
    tiers: list[tuple[str, list[Token]]] = []
    for position, item in enumerate(items):
        name, _, _, count = (*items[position + 1 : position + 5], *[None] * 4)[:4]
        if item != "IntervalTier" or not isinstance(name, str) or not isinstance(count, float):
            continue
        tokens = []
        for number in range(int(count)):
            first = position + 5 + 3 * number
            match items[first : first + 3]:
                case [float() as start, float() as end, str() as label]:
                    begin, stop, mended = mend_times(start, end)
                    if label.strip() not in _PAUSES:
                        location = f"{path}: tier {name}, interval {number + 1}"
                        tokens.append(Token(label.strip(), begin, stop, None, location, mended=mended))
                case _:
                    raise TranscriptError(f"{path}: tier {name} ends after {number} of {int(count)} intervals.")
        tiers.append((name, tokens))
    if not tiers:
        raise TranscriptError(f"{path}: is a TextGrid without interval tiers.")
    return tiers


# Label tracks and tables

_LABEL = re.compile(r"\s*([^:]+):\s+(\S+)\s*")
"""Label of a track of several voices."""


def read_table(path: Path, text: str, *, word_times: bool = True) -> list[ImportedTranscript]:
    """Words of a label track, or of a table whose first line names start, end and word, apart by tabs or commas.

    Raises:
        TranscriptError: rows have more words than one.
    """
    lines = text.splitlines()
    mark = "\t" if "\t" in lines[0] else ";" if ";" in lines[0] else ","
    rows = [(number, row) for number, row in enumerate(csv.reader(lines, delimiter=mark), start=1) if any(row)]
    if _number(rows[0][1][0]) is not None:
        names, rows = ["start", "end", "text", "voice"], _with_voices(rows)
    else:
        names = rows.pop(0)[1]
    values: list[tuple[str, Any]] = [
        (f"{path}, line {number}", dict(zip(names, row, strict=False))) for number, row in rows if row[0] != "\\"
    ]
    shape = replace(WORDS, kind="table", title="a table of segments")
    return read_values(path, values, [], word_times=word_times, segments=shape)


def _with_voices(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Rows of a label track whose words are written "NAME: word", with the name in a column of its own."""
    labels = [_LABEL.fullmatch(row[2]) if len(row) > 2 else None for _, row in rows]
    if not all(labels):
        return rows
    parts = [label.groups() for label in labels if label is not None]
    return [(number, [*row[:2], word, name]) for (number, row), (name, word) in zip(rows, parts, strict=True)]
