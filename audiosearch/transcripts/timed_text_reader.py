"""Captions of YouTube with times of words (json3, srv3 and older ones), and TTML, as cues.

::

    {"events": [{"tStartMs": 1000, "dDurationMs": 3990, "segs": [{"utf8": "so"}, {"utf8": " it", "tOffsetMs": 400}]}]}
    <timedtext format="3"><body><p t="1000" d="3990"><s>so</s><s t="400"> it</s></p></body></timedtext>
    <tt><body><p begin="1s" end="4.99s"><span begin="1s">so</span> <span begin="1.4s">it</span></p></body></tt>
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.caption_reader import Cue, read_cues, stamp
from audiosearch.transcripts.imported import LETTER_TIME, ImportedTranscript
from audiosearch.transcripts.numbers import mend_number, seconds
from audiosearch.types import Seconds


@dataclass(frozen=True, slots=True)
class _Event:
    """Text that appears at a time; each part with its own start, if it has one."""

    start: Seconds
    duration: Seconds | None
    parts: Sequence[tuple[Seconds | None, str]]
    location: str


def read_json3(path: Path, text: str, *, word_times: bool = True) -> ImportedTranscript:
    """Captions in YouTube's JSON.

    Raises:
        TranscriptError: the file is not JSON, or has no times of words.
    """
    try:
        entries = json.loads(text)["events"]
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"{path}: is not valid JSON ({error}).") from error
    faults: list[str] = []
    events = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        location = f"{path}: events[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("segs", []), list):
            faults.append(f"{location}: is not an event with a list of segs.")
            continue
        start = _milliseconds(entry.get("tStartMs", 0))
        parts = []
        for segment in entry.get("segs", []):
            if isinstance(segment, dict) and isinstance(segment.get("utf8"), str):
                offset = _milliseconds(segment.get("tOffsetMs"))
                parts.append((None if offset is None or start is None else start + offset, segment["utf8"]))
            else:
                faults.append(f"{location}: has a seg without a text.")
        if start is not None:
            events.append(_Event(start, _milliseconds(entry.get("dDurationMs")), parts, location))
        elif parts:
            faults.append(f"{location}: has no time.")
    return _captions(path, events, faults, word_times, "YouTube captions (json3)")


def read_xml(path: Path, text: str, *, word_times: bool = True) -> ImportedTranscript:
    """Captions in YouTube's XML (srv1, srv2, srv3) or TTML.

    Raises:
        TranscriptError: the file is not XML, of another kind, or has no times of words.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise TranscriptError(f"{path}, line {line}: is not valid XML (at character {column + 1}).") from error
    kind = _tag(root)
    if kind not in ("timedtext", "transcript", "tt"):
        raise TranscriptError(f"{path}: is XML of an unknown kind, <{kind}>; YouTube's srv3 and TTML are read.")
    faults: list[str] = []
    rate = mend_number(next((value for name, value in root.attrib.items() if name.endswith("tickRate")), 1)) or 1.0
    events = []
    for number, element in enumerate(part for part in root.iter() if _tag(part) in ("p", "text")):
        location = f"{path}: <{_tag(element)}> {number + 1}"
        start, duration = _span(element, rate)
        if start is None:
            faults.append(f"{location}: has no time.")
            continue
        parts = list(_parts(element, start, duration, rate))
        events.append(_Event(start, duration, parts, location))
    title = "TTML captions" if kind == "tt" else "YouTube captions (XML)"
    return _captions(path, events, faults, word_times, title)


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _span(element: ElementTree.Element, rate: float) -> tuple[Seconds | None, Seconds | None]:
    """Start and duration of an element; YouTube's t and d are milliseconds."""
    values = element.attrib
    if "t" in values:
        return _milliseconds(values["t"]), _milliseconds(values.get("d"))
    start, end = (_clock(values.get(name), rate) for name in ("begin" if "begin" in values else "start", "end"))
    if start is not None and end is not None:
        return start, end - start
    return start, _clock(values.get("dur"), rate)


def _clock(value: str | None, rate: float) -> Seconds | None:
    if value is not None and re.fullmatch(r"\d+t", value):
        return int(value[:-1]) / rate
    return seconds(value)


def _parts(
    element: ElementTree.Element, start: Seconds, duration: Seconds | None, rate: float
) -> Iterator[tuple[Seconds | None, str]]:
    """Texts of an element and of those inside, whose times count from its start, or in TTML also from the beginning."""
    yield None, "\n" if _tag(element) == "br" else element.text or ""
    for child in element:
        offset, _ = _span(child, rate)
        if offset is None:
            yield from _parts(child, start, duration, rate)
        elif "t" not in child.attrib and start <= offset and (duration is None or offset <= start + duration):
            yield offset, "".join(child.itertext())
        else:
            yield start + offset, "".join(child.itertext())
        yield None, child.tail or ""


def _milliseconds(value: Any) -> Seconds | None:
    return seconds(value, 0.001)


def _captions(
    path: Path, events: Sequence[_Event], faults: list[str], word_times: bool, kind: str
) -> ImportedTranscript:
    """Words of events, each of which ends where the next text begins."""
    spoken = sorted((event for event in events if "".join(text for _, text in event.parts).strip()), key=_start)
    cues = []
    for number, event in enumerate(spoken):
        following = spoken[number + 1] if number + 1 < len(spoken) else None
        begin = max(event.start, 0.0)
        text = "".join(
            (f"<{stamp(start)}>" if start is not None and start > begin else "") + escape(unescape(part))
            for start, part in event.parts
        )
        length = LETTER_TIME * len(text) if event.duration is None else event.duration
        end = event.start + length
        if following is not None and following.start > event.start:
            end = min(end, following.start)
        last = max((start for start, _ in event.parts if start is not None), default=begin)
        cues.append(Cue(begin, max(begin, end, last), tuple(text.split("\n")), event.location))
    return read_cues(
        path, cues, faults, word_times=word_times, kind=kind, name="youtube" if "YouTube" in kind else "ttml"
    )


def _start(event: _Event) -> Seconds:
    return event.start
