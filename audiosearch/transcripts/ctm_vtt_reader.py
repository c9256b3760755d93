"""Transcripts in lines: NIST CTM, and WebVTT with times inside its cues, as written by YouTube and Whisper.

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
from audiosearch.transcripts.imported import (
    ImportedTranscript,
    Token,
    interpolate_times,
)
from audiosearch.transcripts.numbers import mend_confidence, mend_times
from audiosearch.types import Seconds

# CTM: file channel start duration word [confidence [type [speaker]]], comments after ;;

_NO_WORDS = {"non-lex", "noise", "misc"}
"""Types of entries of CTM files that are no words."""


def read_ctm(path: Path, text: str, channel: str | None) -> list[ImportedTranscript]:
    """Transcript of each recording in a CTM file; channels are merged by time.

    Args:
        channel: the only one to read.

    Raises:
        TranscriptError: a line is malformed, or there is no such channel.
    """
    tokens: dict[str, list[Token]] = {}
    channels: dict[str, None] = {}
    skipping = False  # alternatives after the first, between <ALT> and <ALT_END>
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(";;")[0].split()
        if not fields:
            continue
        location = f"{path}, line {number}"
        if not 5 <= len(fields) <= 8:
            form = "file, channel, start, duration, word, optionally confidence"
            raise TranscriptError(f"{location}: is neither JSON nor WebVTT, nor a line of CTM: {form}.")
        name, track, begin, length, word = fields[:5]
        channels[track] = None
        if word.startswith("<ALT"):
            skipping = word == "<ALT>"
            continue
        if skipping or channel not in (None, track) or (len(fields) > 6 and fields[6] in _NO_WORDS):
            continue
        start, duration = _number(begin, location), _number(length, location)
        confidence = None if len(fields) < 6 or fields[5] in ("NA", "-") else _number(fields[5], location)
        first, last, mended = mend_times(start, start + duration)
        score, mended_score = mend_confidence(confidence)
        token = Token(word, first, last, score, location, mended=mended or mended_score, voice=track)
        tokens.setdefault(name, []).append(token)
    if channel is not None and channel not in channels:
        raise TranscriptError(f"{path}: has no channel {channel}, only {', '.join(channels) or 'none'}.")
    if len({token.voice for words in tokens.values() for token in words}) < 2:  # the channel says nothing
        tokens = {name: [replace(token, voice=None) for token in words] for name, words in tokens.items()}
    return [
        ImportedTranscript(name, "ctm", tuple(interpolate_times(words, 0.0, max(word.end or 0.0 for word in words))))
        for name, words in tokens.items()
    ]


def _number(text: str, location: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TranscriptError(f"{location}: {text!r} must be a number.") from None


# WebVTT


@dataclass(frozen=True, slots=True)
class _Cue:
    start: Seconds
    end: Seconds
    lines: tuple[str, ...]
    location: str


_TIME = re.compile(r"(?:(\d+):)?([0-5]\d):([0-5]\d)[.,](\d{3})")
_STAMP = re.compile(rf"<({_TIME.pattern})>")
_VOICE = re.compile(r"<(?:v(?:\.[^\s>]*)?[ \t]+([^>]*)|/v)>")
_TAG = re.compile(r"<[^>]*>")
_UNDERLINED = re.compile(r"<u>(.*?)</u>")


def read_vtt(path: Path, text: str, *, word_times: bool = True, kind: str = "WebVTT") -> ImportedTranscript:
    """Words of cues, timed by the times inside the cues, or by the cues if each has one word or highlights one.

    A line that repeats one of the previous cue, as in roll-up captions, counts once. In a file with times inside its
    cues, the words of a line without them divide the time of their cue.

    Args:
        word_times: refuse a file without times of words.
        kind: name of the format, for messages; SubRip is read alike.

    Raises:
        TranscriptError: a cue is malformed, or there are no times of words.
    """
    cues = _highlighted(list(_cues(path, text)))
    has_stamps = any(_STAMP.search(line) for cue in cues for line in cue.lines)
    has_times = has_stamps or all(len(_plain(" ".join(cue.lines)).split()) < 2 for cue in cues)
    if cues and not has_times and word_times:
        raise TranscriptError(
            f"{path}: is {kind} without word times; give a file with a time for each word, as by Whisper's option "
            "word_timestamps or WhisperX."
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
    return ImportedTranscript("", "vtt", tuple(tokens), breaks=() if has_times else tuple(cue.end for cue in cues))


def _highlighted(cues: list[_Cue]) -> list[_Cue]:
    """Cues of the words that are underlined one after the other, as Whisper's highlighting does; else all cues."""
    words = [_UNDERLINED.findall(" ".join(cue.lines)) for cue in cues]
    if not any(words) or any(len(_plain(part).split()) > 1 for parts in words for part in parts):
        return cues
    return [replace(cue, lines=tuple(parts)) for cue, parts in zip(cues, words, strict=True) if parts]


def _repeated(lines: list[str], previous: tuple[str, ...]) -> int:
    """Number of first lines, without times inside, that were the last ones of the previous cue."""
    plain = [None if _STAMP.search(line) else _plain(line) for line in lines]
    counts = range(min(len(lines), len(previous)), 0, -1)
    return next((count for count in counts if tuple(plain[:count]) == previous[-count:]), 0)


def _cues(path: Path, text: str) -> Iterator[_Cue]:
    """Cues in order; notes, styles and regions are skipped."""
    lines = [*text.splitlines(), ""]
    number = 0
    while number < len(lines):
        if "-->" not in lines[number]:
            number += 1
            continue
        location = f"{path}, line {number + 1}"
        begin, _, rest = lines[number].partition("-->")
        first, last = _TIME.fullmatch(begin.strip()), _TIME.match(rest.strip())
        if first is None or last is None:
            raise TranscriptError(f"{location}: must be two times, such as 00:00:01.000 --> 00:00:02.500.")
        start, end = _seconds(first.group()), _seconds(last.group())
        number += 1
        payload = []
        while lines[number] and "-->" not in lines[number]:  # a line of one space is a part of YouTube's cues
            payload.append(lines[number])
            number += 1
        if "-->" in lines[number] and len(payload) > 1 and not payload[-2].strip():
            del payload[-1]  # the name of the next cue, after a line that is blank but for spaces
        yield _Cue(start, end, tuple(payload), location)


def _cue_tokens(cue: _Cue, text: str) -> list[Token]:
    """Words of a cue; the words between two times divide the time between them."""
    tokens: list[Token] = []
    voice: str | None = None
    start, position = cue.start, 0
    for stamp in (*_STAMP.finditer(text), None):
        end = cue.end if stamp is None else _seconds(stamp.group(1))
        if not start <= end <= max(cue.end, start):
            raise TranscriptError(f"{cue.location}: the time {end:g} s inside this cue is out of order.")
        piece = text[position : len(text) if stamp is None else stamp.start()]
        parts = _voiced(piece, voice)
        words = [(name, word) for name, part in parts for word in _plain(part).split()]
        tokens += interpolate_times(
            [Token(word, None, None, None, cue.location, voice=name) for name, word in words], start, end
        )
        voice = parts[-1][0]
        if stamp is not None:
            start, position = end, stamp.end()
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
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
