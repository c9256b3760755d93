"""A transcript as text, JSON, subtitles (SRT, WebVTT), NIST CTM, Praat TextGrid, Audacity labels, CSV, WhisperX JSON.

docs/formats.md describes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from audiosearch.transcripts.csv_rows import csv_line
from audiosearch.types import Seconds, Transcript, Word

FORMATS = ("text", "json", "srt", "vtt", "ctm", "textgrid", "audacity", "csv", "whisperx-json")

JOINABLE = ("text", "json", "ctm", "csv")
"""Those of which one document holds several transcripts."""

SUFFIXES = dict.fromkeys(FORMATS, "") | {
    **{form: f".{form}" for form in ("json", "srt", "vtt", "ctm", "csv")},
    **{"text": ".txt", "textgrid": ".TextGrid", "audacity": ".labels.txt", "whisperx-json": ".whisperx.json"},
}
"""Of the files that hold one transcript."""

CSV_HEADER = csv_line(("path", "start", "end", "confidence", "word"))

LINE_LENGTH = 42
"""Characters of a caption's line, as broadcasters have it; a caption has two lines."""

MAX_CAPTION: Seconds = 7.0
CAPTION_PAUSE: Seconds = 0.8
"""A pause as long as this ends a caption."""

MIN_CAPTION: Seconds = 1.0
"""A caption stays so long where no other follows, or it could not be read."""


@dataclass(frozen=True)
class Caption:
    """Words shown together, half-open in time."""

    start: Seconds
    end: Seconds
    text: str


def render(transcript: Transcript, form: str, about: Mapping[str, object] | None = None) -> str:
    """The transcript in one of ``FORMATS``, ending with a line break; JSON is one line.

    Args:
        about: what JSON tells of the recording besides.
    """
    match form:
        case "text":
            return transcript.text + "\n"
        case "json":
            return to_json(transcript, about) + "\n"
        case "srt":
            numbered = enumerate(captions(transcript), start=1)
            return "\n".join(f"{n}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{c.text}\n" for n, c in numbered)
        case "vtt":
            cues = captions(transcript)
            texts = [escape(cue.text, quote=False) for cue in cues]
            times = [f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}" for cue in cues]
            return "\n".join(["WEBVTT\n", *(f"{time}\n{text}\n" for time, text in zip(times, texts, strict=True))])
        case "ctm":
            return "".join(ctm_lines(transcript, Path(transcript.path).stem))
        case "textgrid":
            return _textgrid(transcript)
        case "audacity":
            return "".join(label(word.start, word.end, word.text) for word in transcript.words)
        case "csv":
            rows = ((transcript.path, *_rounded(word), word.text) for word in transcript.words)
            return CSV_HEADER + "".join(map(csv_line, rows))
        case "whisperx-json":
            return _whisperx(transcript) + "\n"
    raise ValueError(f"there is no format {form!r}")


def to_json(transcript: Transcript, about: Mapping[str, object] | None = None) -> str:
    """One line; times are rounded to milliseconds, probabilities to thousandths."""
    record = {
        "path": transcript.path,
        **(about or {}),
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "words": [_facts(word) for word in transcript.words],
    }
    return json.dumps(record, ensure_ascii=False)


def _facts(word: Word) -> dict[str, object]:
    facts: dict[str, object] = {
        "text": word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "confidence": round(word.confidence, 3),
    }
    if word.alternatives:
        facts["alternatives"] = [
            {"text": other.text, "probability": round(other.probability, 3)} for other in word.alternatives
        ]
    return facts


def captions(transcript: Transcript) -> list[Caption]:
    """Captions of at most two lines and ``MAX_CAPTION``, ended by pauses; they do not overlap."""
    groups = list(_groups([part for word in transcript.words for part in _parts(word)]))
    made = []
    for number, group in enumerate(groups):
        start = group[0].start
        following = groups[number + 1][0].start if number + 1 < len(groups) else transcript.duration
        end = max(group[-1].end, min(start + MIN_CAPTION, following))
        if number + 1 < len(groups):
            end = min(end, max(following, start + 0.001))
        made.append(Caption(start, min(end, start + MAX_CAPTION), "\n".join(_lines(group))))
    return made


def _parts(word: Word) -> Iterator[Word]:
    """The word, or if it is longer than a line its pieces, which share its time."""
    count = -(-len(word.text) // LINE_LENGTH)
    if count <= 1:
        yield word
        return
    length = (word.end - word.start) / count
    for n in range(count):
        start = word.start + n * length
        yield replace(word, text=word.text[n * LINE_LENGTH : (n + 1) * LINE_LENGTH], start=start, end=start + length)


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
    return len(_lines(group)) <= 2 and group[-1].end - group[0].start <= MAX_CAPTION


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


def ctm_lines(transcript: Transcript, name: str) -> Iterator[str]:
    """``file channel start duration word confidence``; the file is ``name`` without spaces."""
    name = "_".join(name.split())
    for word in transcript.words:
        length = word.end - word.start
        yield f"{name} 1 {word.start:.3f} {length:.3f} {word.text} {word.confidence:.3f}\n"


def label(start: Seconds, end: Seconds, text: str) -> str:
    """A line of an Audacity label track."""
    return f"{start:.6f}\t{end:.6f}\t{' '.join(text.split())}\n"


def _rounded(word: Word) -> tuple[float, float, float]:
    return round(word.start, 3), round(word.end, 3), round(word.confidence, 3)


def _textgrid(transcript: Transcript) -> str:
    """One tier of words, from 0 to the end without a hole, as Praat wants it; pauses are empty intervals."""
    intervals = list(_intervals(transcript))
    span = f"xmin = 0.0\nxmax = {intervals[-1].end}"
    parts = [f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n{span}\ntiers? <exists>\nsize = 1\nitem []:']
    parts.append(f'item [1]:\nclass = "IntervalTier"\nname = "words"\n{span}\nintervals: size = {len(intervals)}')
    for number, one in enumerate(intervals, start=1):
        text = one.text.replace('"', '""')
        parts.append(f'intervals [{number}]:\nxmin = {one.start}\nxmax = {one.end}\ntext = "{text}"')
    return "\n".join(parts) + "\n"


def _intervals(transcript: Transcript) -> Iterator[Caption]:
    """Stretches of whole milliseconds that fill the recording. A word ends where the next begins, at the latest."""
    spoken: list[tuple[int, int, str]] = []
    for word in transcript.words:
        start, end = round(word.start * 1000), round(word.end * 1000)
        if spoken and start <= spoken[-1][0]:  # of two voices: they share an interval
            first, stop, text = spoken[-1]
            spoken[-1] = (first, max(stop, end), f"{text} {word.text}")
            continue
        if spoken and start < spoken[-1][1]:
            spoken[-1] = (spoken[-1][0], start, spoken[-1][2])
        spoken.append((start, max(end, start + 1), word.text))
    last = 0
    for start, end, text in spoken:
        if start > last:
            yield Caption(last / 1000, start / 1000, "")
        yield Caption(start / 1000, end / 1000, text)
        last = end
    if (end := max(round(transcript.duration * 1000), 1)) > last:
        yield Caption(last / 1000, end / 1000, "")


def _whisperx(transcript: Transcript) -> str:
    """As WhisperX writes it: segments of words; a segment is what a caption shows."""
    groups = list(_groups(transcript.words))
    words = [[{"word": word.text, **_scored(word)} for word in group] for group in groups]
    segments = [
        {
            "start": some[0]["start"],
            "end": some[-1]["end"],
            "text": " ".join(word.text for word in group),
            "words": some,
        }
        for group, some in zip(groups, words, strict=True)
    ]
    every = [word for some in words for word in some]
    return json.dumps({"segments": segments, "word_segments": every, "language": "en"}, ensure_ascii=False)


def _scored(word: Word) -> dict[str, float]:
    return dict(zip(("start", "end", "score"), _rounded(word), strict=True))
