"""Transcripts as text, JSON, captions (SRT, WebVTT), NIST CTM, Praat TextGrid, Audacity labels, CSV, WhisperX JSON.

``docs/formats.md`` describes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from pathlib import Path

from audiosearch.csv_rows import csv_line
from audiosearch.display import json_line
from audiosearch.transcripts.turns import in_turns
from audiosearch.types import Seconds, Transcript, Word

FORMATS = ("text", "json", "srt", "vtt", "ctm", "textgrid", "audacity", "csv", "whisperx-json")

JOINABLE = ("text", "json", "ctm", "csv")
"""Formats of which one document may hold several transcripts."""

SUFFIXES = dict.fromkeys(FORMATS, "") | {
    **{form: f".{form}" for form in ("json", "srt", "vtt", "ctm", "csv")},
    **{"text": ".txt", "textgrid": ".TextGrid", "audacity": ".labels.txt", "whisperx-json": ".whisperx.json"},
}
"""Suffixes of files with one transcript."""

CSV_HEADER = csv_line(("path", "start", "end", "confidence", "word", "voice"))

LINE_LENGTH = 42
"""Maximum characters per line of a caption, as in broadcasting; a caption has at most two lines."""

MAX_CAPTION: Seconds = 7.0
CAPTION_PAUSE: Seconds = 0.8
"""Shortest pause that ends a caption."""

MIN_CAPTION: Seconds = 1.0
"""Minimum duration of a caption, unless the next one begins earlier, so that it can be read."""


@dataclass(frozen=True)
class Caption:
    """Words shown together in ``[start, end)``."""

    start: Seconds
    end: Seconds
    text: str
    voice: str | None = None


def render(
    transcript: Transcript,
    form: str,
    metadata: Mapping[str, object] | None = None,
    corrected: Collection[int] = (),
) -> str:
    """The transcript in one of ``FORMATS``, ending with a line break; JSON is one line.

    Args:
        metadata: further fields of JSON records.
        corrected: indices of words that JSON marks as corrected by hand.
    """
    match form:
        case "text":
            return _voiced_text(transcript) + "\n"
        case "json":
            return to_json(transcript, metadata, corrected) + "\n"
        case "srt":
            numbered = enumerate(_named(captions(transcript)), start=1)
            return "\n".join(f"{n}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{c.text}\n" for n, c in numbered)
        case "vtt":
            cues = captions(transcript)
            texts = [_voice_tag(cue.voice) + escape(cue.text, quote=False) for cue in cues]
            times = [f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}" for cue in cues]
            return "\n".join(["WEBVTT\n", *(f"{time}\n{text}\n" for time, text in zip(times, texts, strict=True))])
        case "ctm":
            return "".join(ctm_lines(transcript, Path(transcript.path).stem))
        case "textgrid":
            return _textgrid(transcript)
        case "audacity":
            return "".join(audacity_label(word.start, word.end, word.text, word.voice) for word in transcript.words)
        case "csv":
            rows = ((transcript.path, *_rounded(word), word.text, word.voice or "") for word in transcript.words)
            return CSV_HEADER + "".join(map(csv_line, rows))
        case "whisperx-json":
            return _whisperx(transcript) + "\n"
    raise ValueError(f"unknown format {form!r}")


def to_json(
    transcript: Transcript, metadata: Mapping[str, object] | None = None, corrected: Collection[int] = ()
) -> str:
    """A JSON record on one line, with times in milliseconds and probabilities in thousandths."""
    words = [_word_record(word) for word in transcript.words]
    for index in corrected:
        words[index]["corrected"] = True
    record = {
        "path": transcript.path,
        **(metadata or {}),
        "duration": round(transcript.duration, 3),
        "text": " ".join(word.text for word in in_turns(transcript.words)),
        "words": words,
    }
    return json_line(record)


def _word_record(word: Word) -> dict[str, object]:
    record: dict[str, object] = {
        "text": word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "confidence": round(word.confidence, 3),
    }
    if word.alternatives:
        record["alternatives"] = [
            {"text": alternative.text, "probability": round(alternative.probability, 3)}
            for alternative in word.alternatives
        ]
    if word.voice is not None:
        record["voice"] = word.voice
    return record


def captions(transcript: Transcript) -> list[Caption]:
    """Captions of at most two lines and MAX_CAPTION seconds, split at pauses, without overlap."""
    groups = list(_groups([piece for word in in_turns(transcript.words) for piece in _pieces(word)]))
    groups.sort(key=lambda group: group[0].start)
    made = []
    for number, group in enumerate(groups):
        start = group[0].start
        following = groups[number + 1][0].start if number + 1 < len(groups) else transcript.duration
        end = max(group[-1].end, min(start + MIN_CAPTION, following))
        if number + 1 < len(groups) and groups[number + 1][0].voice == group[0].voice:
            end = min(end, max(following, start + 0.001))
        made.append(Caption(start, min(end, start + MAX_CAPTION), "\n".join(_lines(group)), group[0].voice))
    return made


def _named(cues: Sequence[Caption]) -> Iterator[Caption]:
    """Captions that begin with the name of their voice where it changes."""
    last = None
    for cue in cues:
        yield replace(cue, text=f"{cue.voice}: {cue.text}") if cue.voice not in (None, last) else cue
        last = cue.voice


def _voice_tag(voice: str | None) -> str:
    return "" if voice is None else f"<v {escape(voice, quote=False)}>"


def _voiced_text(transcript: Transcript) -> str:
    """Text on one line, or on a line with its name for each turn of a voice."""
    turns = groupby(in_turns(transcript.words), key=lambda word: word.voice)
    texts = [(voice, " ".join(word.text for word in group)) for voice, group in turns]
    return "\n".join(text if voice is None else f"{voice}: {text}" for voice, text in texts)


def _pieces(word: Word) -> Iterator[Word]:
    """The word, or pieces of a word longer than a line, which divide its time."""
    count = -(-len(word.text) // LINE_LENGTH)
    if count <= 1:
        yield word
        return
    length = (word.end - word.start) / count
    for n in range(count):
        start = word.start + n * length
        yield replace(word, text=word.text[n * LINE_LENGTH : (n + 1) * LINE_LENGTH], start=start, end=start + length)


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words of each caption; a full caption is split at the longest pause in its second half."""
    group: list[Word] = []
    for word in words:
        if group and word.voice != group[-1].voice:
            yield group
            group = []
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
    """Number of words before the longest pause in the second half; the last one among equals."""
    gaps = [(group[n].start - group[n - 1].end, n) for n in range(max(len(group) // 2, 1), len(group))]
    return max(gaps)[1]


def _lines(group: Sequence[Word]) -> list[str]:
    """The words in lines of at most LINE_LENGTH characters; two lines have about equal length."""
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
    """Lines ``file channel start duration word confidence``.

    The file is ``name`` with underscores for spaces, and the channel is the voice, or 1.
    """
    name = "_".join(name.split())
    for word in transcript.words:
        length = word.end - word.start
        channel = "_".join((word.voice or "1").split())
        yield f"{name} {channel} {word.start:.3f} {length:.3f} {word.text} {word.confidence:.3f}\n"


def audacity_label(start: Seconds, end: Seconds, text: str, voice: str | None = None) -> str:
    """One line of an Audacity label track; a known voice precedes the text."""
    label = text if voice is None else f"{voice}: {text}"
    return f"{start:.6f}\t{end:.6f}\t{' '.join(label.split())}\n"


def _rounded(word: Word) -> tuple[float, float, float]:
    return round(word.start, 3), round(word.end, 3), round(word.confidence, 3)


def _textgrid(transcript: Transcript) -> str:
    """A tier of words for each voice, without gaps from 0 to the end as Praat requires; pauses are empty intervals."""
    voices = list(dict.fromkeys(word.voice for word in transcript.words)) or [None]
    last = max([transcript.duration, *(word.end for word in transcript.words)])
    spoken = [tuple(word for word in transcript.words if word.voice == voice) for voice in voices]
    tiers = [list(_intervals(replace(transcript, duration=last, words=words))) for words in spoken]
    span = f"xmin = 0.0\nxmax = {max(intervals[-1].end for intervals in tiers)}"
    parts = [f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n{span}\ntiers? <exists>']
    parts.append(f"size = {len(tiers)}\nitem []:")
    for tier, (voice, intervals) in enumerate(zip(voices, tiers, strict=True), start=1):
        name = (voice or "words").replace('"', '""')
        head = f'item [{tier}]:\nclass = "IntervalTier"\nname = "{name}"'
        parts.append(f"{head}\n{span}\nintervals: size = {len(intervals)}")
        for number, interval in enumerate(intervals, start=1):
            text = interval.text.replace('"', '""')
            parts.append(f'intervals [{number}]:\nxmin = {interval.start}\nxmax = {interval.end}\ntext = "{text}"')
    return "\n".join(parts) + "\n"


def _intervals(transcript: Transcript) -> Iterator[Caption]:
    """Intervals in whole milliseconds that fill the recording; a word ends at the latest where the next one begins."""
    intervals: list[tuple[int, int, str]] = []
    for word in transcript.words:
        start, end = round(word.start * 1000), round(word.end * 1000)
        if intervals and start <= intervals[-1][0]:  # of two speakers: they share an interval
            first, stop, text = intervals[-1]
            intervals[-1] = (first, max(stop, end), f"{text} {word.text}")
            continue
        if intervals and start < intervals[-1][1]:
            intervals[-1] = (intervals[-1][0], start, intervals[-1][2])
        intervals.append((start, max(end, start + 1), word.text))
    last = 0
    for start, end, text in intervals:
        if start > last:
            yield Caption(last / 1000, start / 1000, "")
        yield Caption(start / 1000, end / 1000, text)
        last = end
    if (end := max(round(transcript.duration * 1000), 1)) > last:
        yield Caption(last / 1000, end / 1000, "")


def _whisperx(transcript: Transcript) -> str:
    """Segments of words in the format of WhisperX; a segment holds the words of one caption."""
    groups = list(_groups(in_turns(transcript.words)))
    groups.sort(key=lambda group: group[0].start)
    words = [[{"word": word.text, **_times_and_score(word)} for word in group] for group in groups]
    segments = [
        {
            "start": records[0]["start"],
            "end": records[-1]["end"],
            "text": " ".join(word.text for word in group),
            "words": records,
        }
        for group, records in zip(groups, words, strict=True)
    ]
    every = [record for records in words for record in records]
    return json_line({"segments": segments, "word_segments": every, "language": "en"})


def _times_and_score(word: Word) -> dict[str, object]:
    record: dict[str, object] = dict(zip(("start", "end", "score"), _rounded(word), strict=True))
    return record if word.voice is None else {**record, "speaker": word.voice}
