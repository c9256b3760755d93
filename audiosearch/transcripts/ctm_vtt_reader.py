"""Transcripts in lines: NIST CTM, and WebVTT whose cues have times inside, as YouTube and Whisper write them.

A cue with times inside::

    00:00:00.500 --> 00:00:02.000
    so <00:00:00.900>it <00:00:01.300>began
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import ImportedTranscript, Token, checked, probability, timed
from audiosearch.types import Seconds

# CTM: file channel start duration word [confidence], comments after ;;


def read_ctm(path: Path, text: str, channel: str | None) -> list[ImportedTranscript]:
    """What is said in each recording that a CTM file names; channels are put together by time.

    Args:
        channel: only this one.

    Raises:
        TranscriptError: a line is none of CTM, or there is no such channel.
    """
    found: dict[str, list[Token]] = {}
    channels: dict[str, None] = {}
    other_reading = False  # between <ALT> and <ALT_END> stand readings after the first
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(";;")[0].split()
        if not fields:
            continue
        place = f"{path}, line {number}"
        if len(fields) not in (5, 6, 7):
            what = "file, channel, start, duration, word and perhaps confidence"
            raise TranscriptError(f"{place}: is neither JSON nor WebVTT, nor a line of CTM: {what}.")
        name, track, begin, length, word = fields[:5]
        channels[track] = None
        if word.startswith("<ALT"):
            other_reading = word == "<ALT>"
            continue
        if other_reading or channel not in (None, track):
            continue
        start, duration = _number(begin, place), _number(length, place)
        sure = None if len(fields) < 6 or fields[5] in ("NA", "-") else _number(fields[5], place)
        token = Token(word, *checked(start, start + duration, place), probability(sure, place), place)
        found.setdefault(name, []).append(token)
    if channel is not None and channel not in channels:
        raise TranscriptError(f"{path}: has no channel {channel}, but {', '.join(channels) or 'none'}.")
    return [ImportedTranscript(name, "ctm", tuple(tokens)) for name, tokens in found.items()]


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TranscriptError(f"{place}: {text!r} should be a number.") from None


# WebVTT


@dataclass(frozen=True, slots=True)
class _Cue:
    start: Seconds
    end: Seconds
    lines: tuple[str, ...]
    place: str


_TIME = re.compile(r"(?:(\d+):)?([0-5]\d):([0-5]\d)\.(\d{3})")
_STAMP = re.compile(rf"<({_TIME.pattern})>")
_TAG = re.compile(r"<[^>]*>")


def read_vtt(path: Path, text: str, *, word_times: bool = True) -> ImportedTranscript:
    """The words of cues by the times inside them.

    A line that repeats the last line of the cue before, as captions that roll up do, is said once. In a file that has
    times inside, the words of a line without them share the time of their cue.

    Args:
        word_times: refuse a file of which no cue has times inside.

    Raises:
        TranscriptError: a cue is malformed, or no cue has times inside.
    """
    cues = list(_cues(path, text))
    has_times = any(_STAMP.search(line) for cue in cues for line in cue.lines)
    if cues and not has_times and word_times:
        raise TranscriptError(
            f"{path}: has no word times: cues should hold times such as <00:00:01.000> between words."
        )
    tokens: list[Token] = []
    before: tuple[str, ...] = ()
    for cue in cues:
        shown = tuple(plain for line in cue.lines if (plain := _plain(line)))
        fresh = [line for line in cue.lines if _plain(line)]
        while fresh and not _STAMP.search(fresh[0]) and _plain(fresh[0]) in before:
            del fresh[0]
        tokens += _cue_tokens(cue, "\n".join(fresh))
        before = shown or before
    return ImportedTranscript("", "vtt", tuple(tokens), breaks=() if has_times else tuple(cue.end for cue in cues))


def _cues(path: Path, text: str) -> Iterator[_Cue]:
    """Cues in order; notes, styles and regions are passed over."""
    lines = [*text.splitlines(), ""]
    number = 0
    while number < len(lines):
        if "-->" not in lines[number]:
            number += 1
            continue
        place = f"{path}, line {number + 1}"
        begin, _, rest = lines[number].partition("-->")
        first, last = _TIME.fullmatch(begin.strip()), _TIME.match(rest.strip())
        if first is None or last is None:
            raise TranscriptError(f"{place}: should be two times, such as 00:00:01.000 --> 00:00:02.500.")
        start, end = checked(_seconds(first.group()), _seconds(last.group()), place)
        number += 1
        payload = []
        while lines[number].strip() and "-->" not in lines[number]:
            payload.append(lines[number])
            number += 1
        yield _Cue(start, end, tuple(payload), place)


def _cue_tokens(cue: _Cue, text: str) -> list[Token]:
    """Words of a cue; those between two times share what is between."""
    tokens: list[Token] = []
    start, position = cue.start, 0
    for stamp in (*_STAMP.finditer(text), None):
        end = cue.end if stamp is None else _seconds(stamp.group(1))
        if not start <= end <= max(cue.end, start):
            raise TranscriptError(f"{cue.place}: the time {end:g} s inside this cue is out of order.")
        piece = text[position : len(text) if stamp is None else stamp.start()]
        tokens += timed([Token(word, None, None, None, cue.place) for word in _plain(piece).split()], start, end)
        if stamp is not None:
            start, position = end, stamp.end()
    return tokens


def _plain(line: str) -> str:
    return " ".join(unescape(_TAG.sub("", line)).split())


def _seconds(text: str) -> Seconds:
    found = _TIME.fullmatch(text)
    assert found is not None
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
