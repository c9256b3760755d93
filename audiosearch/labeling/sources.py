"""Labels of recordings, or parts of them, from transcripts with times and from manifests.

A recording with times is cut at pauses (``segmentation.py``); ``pseudo_labels.py`` checks the labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.data.corpora import Row
from audiosearch.data.corpus_check import Rejected, text_fault
from audiosearch.data.manifest import audio_path, known_speaker, number, read_rows
from audiosearch.errors import AudioError, ManifestError, TranscriptError
from audiosearch.labeling.checks import loop_spans
from audiosearch.labeling.segmentation import split_at_pauses
from audiosearch.types import Seconds, Transcript, Word

MAX_SECONDS: Seconds = 17.0
"""``data.max_seconds`` of the recipes."""

TRANSCRIPT_SUFFIXES = (
    ".json",
    ".jsonl",
    ".ctm",
    ".textgrid",
    ".json3",
    ".srv3",
    ".srv2",
    ".srv1",
    ".ttml",
    ".vtt",
    ".srt",
)
"""Of several transcripts of a recording the first counts, in this order."""


@dataclass(frozen=True, slots=True)
class Label:
    """Text by a recognizer for a recording, or for a span of it.

    Args:
        text: as the recognizer wrote it.
        start: None: the whole recording.
        duration: of the labeled span; None if not measured.
        confidence: None if unknown.
        score: by a network; None if not computed.
        looped: True if part of a loop over several labels.
    """

    id: str
    audio: Path
    text: str
    start: Seconds | None = None
    duration: Seconds | None = None
    speaker: str | None = None
    confidence: float | None = None
    score: float | None = None
    looped: bool = False

    @property
    def row(self) -> Row:
        """Row for reports."""
        return Row(self.id, self.audio, self.text, self.speaker)


def read_labels(path: Path) -> Iterator[Label]:
    """Rows of a manifest with texts by a recognizer.

    The text is ``teacher_text``, or else ``text``; the confidence is ``confidence``, or else exp(``avg_logprob``).

    Raises:
        ManifestError: the file cannot be read, or a line is malformed; the message names both.
    """
    for row, folder, location in read_rows(path):
        text = row.get("teacher_text", row.get("text"))
        if not isinstance(text, str):
            raise ManifestError(f"{location}: needs 'text' or 'teacher_text', a string.")
        confidence, log_prob = number(row, "confidence", location), number(row, "avg_logprob", location)
        if confidence is None and log_prob is not None:
            confidence = math.exp(min(log_prob, 0.0))
        audio = audio_path(row, folder, location)
        name = row["audio"] if row.get("id") is None else str(row["id"])
        score = number(row, "score", location)
        yield Label(name, audio, text, None, None, known_speaker(row), confidence, score)


def read_transcripts(folder: Path, max_seconds: Seconds = MAX_SECONDS) -> Iterator[Label | Rejected]:
    """Labels of recordings with a transcript by another program, of the same name, beside them.

    Transcripts need times of words or segments, in a format of ``audiosearch.transcripts.readers``.

    Raises:
        ManifestError: there is no such folder, or it has no transcript.
    """
    from audiosearch.transcripts import readers

    if not folder.is_dir():
        raise ManifestError(f"{folder}: is not a folder; give the folder of the recordings and their transcripts.")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in TRANSCRIPT_SUFFIXES and path.is_file())
    files = sorted(found, key=lambda path: (TRANSCRIPT_SUFFIXES.index(path.suffix.lower()), path))
    if not files:
        raise ManifestError(
            f"{folder}: contains no transcript ({', '.join(sorted(TRANSCRIPT_SUFFIXES))}); put them beside "
            "their recordings, with the same names."
        )
    sources: dict[Path, Path] = {}
    for path in files:
        try:
            transcripts = readers.read_transcripts(path, word_times=False)
        except TranscriptError as error:
            yield Rejected(Row(path.stem, None), "transcript unreadable", str(error))
            continue
        for transcript in transcripts:
            name = Path(transcript.name).stem or path.stem
            yield from (Rejected(Row(name, None), "malformed entry", fault) for fault in transcript.faults)
            audio = _recording(path.parent, name) or _recording(path.parent, Path(name).stem)
            if audio is None:
                detail = f"there is no recording called {name} beside {path}"
                yield Rejected(Row(name, None), "audio missing", detail)
            elif transcript.language is not None and not transcript.language.lower().startswith("en"):
                detail = f"{path.name} names the language {transcript.language}"
                yield Rejected(Row(name, audio), "another language", detail)
            elif fault := text_fault(" ".join(token.text for token in transcript.tokens)):
                yield Rejected(Row(name, audio), *fault)
            elif sources.setdefault(audio, path) != path:
                yield Rejected(Row(name, audio), "audio listed before", f"{path}: {sources[audio]} is taken")
            else:
                has_confidence = any(token.confidence is not None for token in transcript.tokens)
                yield from label_segments(
                    name, audio, transcript.words(1.0), has_confidence, transcript.breaks, max_seconds
                )


def label_transcripts(
    transcripts: Iterable[Transcript], max_seconds: Seconds = MAX_SECONDS
) -> Iterator[Label | Rejected]:
    """Labels of recordings from transcripts with word times."""
    for transcript in transcripts:
        audio = Path(transcript.path)
        if not audio.exists():
            yield Rejected(Row(audio.stem, audio), "audio missing", f"there is no {audio}")
        elif not transcript.words:
            yield Rejected(Row(audio.stem, audio), "no text", f"the transcript of {audio} is empty")
        else:
            yield from label_segments(audio.stem, audio, transcript.words, True, (), max_seconds)


def _recording(folder: Path, stem: str) -> Path | None:
    from audiosearch.audio.reader import is_audio

    files = sorted(
        path for path in folder.iterdir() if path.stem.replace(" ", "_") == stem.replace(" ", "_") and path.is_file()
    )
    return next((path for path in files if path.suffix.lower() not in TRANSCRIPT_SUFFIXES and is_audio(path)), None)


def label_segments(
    name: str,
    audio: Path,
    words: Sequence[Word],
    has_confidence: bool,
    breaks: Sequence[Seconds],
    max_seconds: Seconds,
    speaker: str | None = None,
    confidence: float | None = None,
) -> Iterator[Label | Rejected]:
    """Labels of the segments of a recording; loops are detected in the whole text, as they may cross pauses."""
    from audiosearch.audio.reader import probe

    try:
        duration = probe(audio).duration
    except AudioError as error:
        yield Rejected(Row(name, audio), "audio unreadable", str(error))
        return
    looped = _looped(words)
    first = 0
    for segment in split_at_pauses(words, duration, max_seconds=max_seconds, breaks=breaks):
        numbers = range(first, first + len(segment.words))
        first = numbers.stop
        if segment.start >= segment.end:
            row = Row(f"{name}-{segment.start:.2f}", audio, segment.text)
            yield Rejected(row, "after the end of the recording", f"{audio} ends at {duration:.2f} s")
            continue
        mean_confidence = confidence
        if has_confidence:
            mean_confidence = sum(word.confidence for word in segment.words) / len(segment.words)
        yield Label(
            f"{name}-{segment.start:.2f}",
            audio,
            segment.text,
            segment.start,
            segment.end - segment.start,
            speaker,
            mean_confidence,
            looped=any(number in looped for number in numbers),
        )


def _looped(words: Sequence[Word]) -> set[int]:
    """Numbers of the words that are in loops."""
    spans = loop_spans(" ".join(word.text for word in words))
    looped, position = set(), 0
    for index, word in enumerate(words):
        if any(start <= position < end for start, end in spans):
            looped.add(index)
        position += len(word.text) + 1
    return looped
