"""A transcript as text, JSON, subtitles (SRT, WebVTT) or NIST CTM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.types import Seconds, Transcript, Word

FORMATS = ("text", "json", "srt", "vtt", "ctm")

LINE_LENGTH = 42
"""Characters of a caption's line, as broadcasters have it; a caption has two lines."""

LONGEST_CAPTION: Seconds = 7.0
CAPTION_PAUSE: Seconds = 0.8
"""A pause as long as this ends a caption."""

SHORTEST_CAPTION: Seconds = 1.0
"""A caption stays so long where no other follows, or it could not be read."""


@dataclass(frozen=True)
class Caption:
    """Words shown together, half-open in time."""

    start: Seconds
    end: Seconds
    text: str


def render(transcript: Transcript, form: str) -> str:
    """The transcript in one of ``FORMATS``, ending with a line break; JSON is one line."""
    if form == "text":
        return transcript.text + "\n"
    if form == "json":
        return to_json(transcript) + "\n"
    if form == "srt":
        numbered = enumerate(captions(transcript), start=1)
        return "\n".join(f"{n}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{c.text}\n" for n, c in numbered)
    if form == "vtt":
        cues = [f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{c.text}\n" for c in captions(transcript)]
        return "\n".join(["WEBVTT\n", *cues])
    if form == "ctm":
        return "".join(_ctm_lines(transcript))
    raise ValueError(f"there is no format {form!r}")


def to_json(transcript: Transcript) -> str:
    """One line; times are rounded to milliseconds, confidence to thousandths."""
    words = [
        {"text": w.text, "start": round(w.start, 3), "end": round(w.end, 3), "confidence": round(w.confidence, 3)}
        for w in transcript.words
    ]
    record = {
        "path": transcript.path,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "words": words,
    }
    return json.dumps(record, ensure_ascii=False)


def captions(transcript: Transcript) -> list[Caption]:
    """Captions of at most two lines and ``LONGEST_CAPTION``, ended by pauses; they do not overlap."""
    groups = list(_groups(transcript.words))
    made = []
    for number, group in enumerate(groups):
        following = groups[number + 1][0].start if number + 1 < len(groups) else transcript.duration
        end = max(group[-1].end, min(group[0].start + SHORTEST_CAPTION, following))
        made.append(Caption(group[0].start, end, "\n".join(_lines(group))))
    return made


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words of each caption. One that is full ends at its longest pause, if that leaves enough on either side."""
    group: list[Word] = []
    for word in words:
        while group and (word.start - group[-1].end >= CAPTION_PAUSE or not _fits([*group, word])):
            end = len(group) if word.start - group[-1].end >= CAPTION_PAUSE else _best_end([*group, word])
            yield group[:end]
            group = group[end:]
        group.append(word)
    if group:
        yield group


def _fits(group: Sequence[Word]) -> bool:
    return len(_lines(group)) <= 2 and group[-1].end - group[0].start <= LONGEST_CAPTION


def _best_end(group: Sequence[Word]) -> int:
    """How many words to show before the longest pause in the later half; all but the last if none stands out."""
    gaps = [(group[n].start - group[n - 1].end, n) for n in range(max(len(group) // 2, 1), len(group))]
    return max(gaps)[1]


def _lines(group: Sequence[Word]) -> list[str]:
    """The words in lines of at most ``LINE_LENGTH``, two of them of about equal length."""
    text = " ".join(word.text for word in group)
    if len(text) <= LINE_LENGTH:
        return [text]
    breaks = [n for n, character in enumerate(text) if character == " "]
    breaks = [n for n in breaks if n <= LINE_LENGTH and len(text) - n - 1 <= LINE_LENGTH]
    if breaks:
        middle = min(breaks, key=lambda n: abs(n - len(text) / 2))
        return [text[:middle], text[middle + 1 :]]
    return [text] if len(group) == 1 else [word.text for word in group]


def _clock(seconds: Seconds, point: str) -> str:
    whole = round(seconds * 1000)
    minutes, milliseconds = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000:02d}{point}{milliseconds % 1000:03d}"


def _ctm_lines(transcript: Transcript) -> Iterator[str]:
    """``file channel start duration word confidence``; the file is its name without suffix and spaces."""
    name = "_".join(Path(transcript.path).stem.split())
    for word in transcript.words:
        length = word.end - word.start
        yield f"{name} 1 {word.start:.3f} {length:.3f} {word.text} {word.confidence:.3f}\n"
