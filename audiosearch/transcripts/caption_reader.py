"""Transcripts in cues: WebVTT with times inside, as written by YouTube and Whisper, and SubRip.

A cue with times inside::

    00:00:00.500 --> 00:00:02.000
    so <00:00:00.900>it <00:00:01.300>began
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import ALIGN, ImportedTranscript, Token, interpolate_times, is_by_word
from audiosearch.types import Seconds


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines of text for a time, with times inside as in WebVTT.

    Args:
        mended: True if its end was before its start.
    """

    start: Seconds
    end: Seconds
    lines: tuple[str, ...]
    location: str
    mended: bool = False


_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
_END = re.compile(rf"\s*({_TIME.pattern})(?!\S)")
_ARROW = re.compile(r"(.*?)-->|([ \t]*[\d:.,]*\d[ \t]*)(?:-{1,3}>|[–—]>|→)(?=[ \t]*\d)")
"""Times of a cue up to the arrow, also if it is mistyped."""

_STAMP = re.compile(rf"<({_TIME.pattern})>")
_VOICE = re.compile(r"<(?:v(?:\.[^\s>]*)?[ \t]+([^>]*)|/v)>")
_TAG = re.compile(r"<[^>]*>")
_HIGHLIGHT = re.compile(r"<(u|b|i|font|c)\b[^>]*>(.*?)</\1>")

MIN_HIGHLIGHTED = 0.4
"""Share of cues with one word highlighted from which on these words are timed by their cues."""


def read_vtt(path: Path, text: str, *, word_times: bool = True, kind: str = "WebVTT") -> ImportedTranscript:
    """Words of a file in WebVTT or SubRip; cues of which the times are malformed are left out.

    Args:
        word_times: refuse a file without times of words.
        kind: name of the format, for messages.

    Raises:
        TranscriptError: all cues are malformed, or there are no times of words.
    """
    faults: list[str] = []
    return read_cues(path, list(_cues(path, text, faults)), faults, word_times=word_times, kind=kind)


def read_cues(
    path: Path, cues: list[Cue], faults: list[str], *, word_times: bool, kind: str, name: str = "vtt"
) -> ImportedTranscript:
    """Words of cues, timed by the times inside the cues, or by the cues if each has one word or highlights one.

    A line that repeats one of the previous cue, as in roll-up captions, counts once. In a file with times inside its
    cues, the words of a line without them divide the time of their cue.

    Args:
        faults: sentences on what is left out.
        name: kind of the transcript.

    Raises:
        TranscriptError: there are no words but faults, or no times of words.
    """
    if faults and not cues:
        raise TranscriptError(faults[0])
    cues = _highlighted(cues)
    has_stamps = any(_STAMP.search(line) for cue in cues for line in cue.lines)
    has_times = has_stamps or is_by_word([_plain(" ".join(cue.lines)) for cue in cues])
    if cues and not has_times and word_times:
        raise TranscriptError(
            f"{path}: is {kind} without word times; {ALIGN}, or give a file with a time for each word, as by Whisper's "
            "option word_timestamps or WhisperX."
        )
    tokens: list[Token] = []
    previous: tuple[str, ...] = ()
    for cue in cues:
        shown = tuple(plain for line in cue.lines if (plain := _plain(line)))
        fresh = [line for line in cue.lines if _plain(line)]
        if has_stamps or not has_times:
            del fresh[: _repeated(fresh, previous)]
        tokens += _cue_tokens(cue, "\n".join(fresh))
        previous = shown or previous
    breaks = () if has_times else tuple(cue.end for cue in cues)
    return ImportedTranscript("", name, tuple(tokens), breaks=breaks, faults=tuple(faults))


def _highlighted(cues: list[Cue]) -> list[Cue]:
    """Cues of the words that are highlighted one after the other, as Whisper's option does; else all cues.

    Cues with the same text and without highlight, which fill the pauses between words, are dropped.
    """
    marks = [[match[2] for match in _HIGHLIGHT.finditer(" ".join(cue.lines))] for cue in cues]
    texts = [_plain(" ".join(cue.lines)) for cue in cues]
    is_marked = [len(parts) == 1 and len(_plain(parts[0]).split()) == 1 for parts in marks]
    if sum(is_marked) < MIN_HIGHLIGHTED * len(cues) or not any(is_marked):
        return cues
    if any(_STAMP.search(line) for cue in cues for line in cue.lines):
        return cues
    kept: list[Cue] = []
    for number, (cue, parts) in enumerate(zip(cues, marks, strict=True)):
        if is_marked[number]:
            kept.append(replace(cue, lines=tuple(parts)))
        elif texts[number] not in (texts[max(number - 1, 0)], *texts[number + 1 : number + 2]) or number == 0:
            kept.append(cue)
    return kept


def _repeated(lines: list[str], previous: tuple[str, ...]) -> int:
    """Number of first lines, without times inside, that were the last ones of the previous cue."""
    plain = [None if _STAMP.search(line) else _plain(line) for line in lines]
    counts = range(min(len(lines), len(previous)), 0, -1)
    return next((count for count in counts if tuple(plain[:count]) == previous[-count:]), 0)


def _cues(path: Path, text: str, faults: list[str]) -> Iterator[Cue]:
    """Cues in order; notes, styles and regions are skipped."""
    lines = [*text.splitlines(), ""]
    number = 0
    while number < len(lines):
        arrow = _ARROW.match(lines[number])
        if arrow is None:
            number += 1
            continue
        location = f"{path}, line {number + 1}"
        first, last = (
            _TIME.fullmatch((arrow[1] or arrow[2] or "").strip()),
            _END.match(lines[number][arrow.end() :]),
        )
        number += 1
        payload = []
        while lines[number] and "-->" not in lines[number]:  # a line of one space is a part of YouTube's cues
            payload.append(lines[number])
            number += 1
        if "-->" in lines[number] and len(payload) > 1 and not payload[-2].strip():
            del payload[-1]  # the name of the next cue, after a line that is blank but for spaces
        if first is None or last is None:
            faults.append(f"{location}: must be two times, such as 00:00:01.000 --> 00:00:02.500.")
            continue
        start, end = _seconds(first.group()), _seconds(last.group(1))
        yield Cue(start, max(start, end), tuple(payload), location, mended=end < start)


def _cue_tokens(cue: Cue, text: str) -> list[Token]:
    """Words of a cue; the words between two times divide the time between them. Times out of order do not count."""
    tokens: list[Token] = []
    voice: str | None = None
    mended = cue.mended
    start, position, piece = cue.start, 0, ""
    for stamp in (*_STAMP.finditer(text), None):
        end = cue.end if stamp is None else _seconds(stamp.group(1))
        piece += text[position : len(text) if stamp is None else stamp.start()]
        position = len(text) if stamp is None else stamp.end()
        if not start <= end <= max(cue.end, start):
            mended = True
            continue
        parts = _voiced(piece, voice)
        words = [(name, word) for name, part in parts for word in _plain(part).split()]
        waiting = [Token(word, None, None, None, cue.location, mended=mended, voice=name) for name, word in words]
        tokens += interpolate_times(waiting, start, end)
        voice = parts[-1][0]
        start, piece = end, ""
        mended = cue.mended
    return tokens


def _voiced(text: str, voice: str | None) -> list[tuple[str | None, str]]:
    """Parts of a text, each with its voice; ``voice`` is that of the beginning."""
    before, *rest = _VOICE.split(text)
    names = [(unescape(name).strip() or None) if name else None for name in rest[::2]]
    return [(voice, before), *zip(names, rest[1::2], strict=True)]


def _plain(line: str) -> str:
    return " ".join(unescape(_TAG.sub("", line)).split())


def _seconds(text: str) -> Seconds:
    match = _TIME.fullmatch(text)
    assert match is not None
    hours, minutes, rest = (float((part or "0").replace(",", ".")) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def stamp(time: Seconds) -> str:
    """A time as in WebVTT."""
    return f"{int(time) // 3600}:{int(time) // 60 % 60:02}:{time % 60:06.3f}"
