"""Texts that recognizers wrote, from transcripts with times and from manifests, as labels of recordings or parts.

A recording with times is cut at pauses (``segmentation.py``); nothing is checked here but that it can be.
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
"""As ``data.max_seconds`` of the recipes."""

TRANSCRIPT_SUFFIXES = frozenset({".json", ".jsonl", ".vtt", ".ctm"})


@dataclass(frozen=True, slots=True)
class Label:
    """A text that a recognizer wrote for a recording, or for a span of it.

    Args:
        text: as it was written.
        start: None: the whole recording.
        duration: of what is labeled; None where it has to be measured.
        confidence: None where the recognizer does not tell.
        score: None where no network has checked it yet.
        looped: it is part of a longer loop.
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
        """The same for reports."""
        return Row(self.id, self.audio, self.text, self.speaker)


def read_labels(path: Path) -> Iterator[Label]:
    """The rows of a manifest whose texts are by a recognizer.

    The text is ``teacher_text``, or else ``text``; the confidence is ``confidence``, or else exp(``avg_logprob``).

    Raises:
        ManifestError: names the file and the line that is wrong.
    """
    for row, folder, place in read_rows(path):
        text = row.get("teacher_text", row.get("text"))
        if not isinstance(text, str):
            raise ManifestError(f"{place}: needs 'text' or 'teacher_text', a string.")
        confidence, log_prob = number(row, "confidence", place), number(row, "avg_logprob", place)
        if confidence is None and log_prob is not None:
            confidence = math.exp(min(log_prob, 0.0))
        audio = audio_path(row, folder, place)
        name = row["audio"] if row.get("id") is None else str(row["id"])
        score = number(row, "score", place)
        yield Label(name, audio, text, None, None, known_speaker(row), confidence, score)


def read_transcripts(folder: Path, max_seconds: Seconds = MAX_SECONDS) -> Iterator[Label | Rejected]:
    """Labels of recordings with transcripts by other programs beside them, which have their names.

    Times of words or of segments are needed; the formats are those of ``transcripts/readers.py``.

    Raises:
        ManifestError: there is no such folder, or it has no transcript.
    """
    from audiosearch.transcripts.readers import read_transcripts

    if not folder.is_dir():
        raise ManifestError(f"{folder}: is no folder; give the folder of the recordings and their transcripts.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in TRANSCRIPT_SUFFIXES and path.is_file())
    if not files:
        raise ManifestError(
            f"{folder}: holds no transcript ({', '.join(sorted(TRANSCRIPT_SUFFIXES))}); they lie beside their "
            "recordings and have the same names."
        )
    for path in files:
        try:
            several = read_transcripts(path, word_times=False)
        except TranscriptError as error:
            yield Rejected(Row(path.stem, None), "transcript unreadable", str(error))
            continue
        for spoken in several:
            name = Path(spoken.name).stem or path.stem
            audio = _recording(path.parent, name) or _recording(path.parent, Path(name).stem)
            if audio is None:
                detail = f"there is no recording called {name} beside {path}"
                yield Rejected(Row(name, None), "audio missing", detail)
            elif spoken.language is not None and not spoken.language.lower().startswith("en"):
                detail = f"{path.name} says {spoken.language}"
                yield Rejected(Row(name, audio), "another language", detail)
            elif fault := text_fault(" ".join(token.text for token in spoken.tokens)):
                yield Rejected(Row(name, audio), *fault)
            else:
                told = any(token.confidence is not None for token in spoken.tokens)
                yield from cut(name, audio, spoken.words(1.0), told, spoken.breaks, max_seconds)


def label_transcripts(
    transcripts: Iterable[Transcript], max_seconds: Seconds = MAX_SECONDS
) -> Iterator[Label | Rejected]:
    """Labels of recordings whose words are known with their times."""
    for transcript in transcripts:
        audio = Path(transcript.path)
        if not audio.exists():
            yield Rejected(Row(audio.stem, audio), "audio missing", f"there is no {audio}")
        elif not transcript.words:
            yield Rejected(Row(audio.stem, audio), "no text", f"no word of {audio} is known")
        else:
            yield from cut(audio.stem, audio, transcript.words, True, (), max_seconds)


def _recording(folder: Path, stem: str) -> Path | None:
    from audiosearch.audio.reader import is_audio

    files = sorted(
        path for path in folder.iterdir() if path.stem.replace(" ", "_") == stem.replace(" ", "_") and path.is_file()
    )
    return next((path for path in files if path.suffix.lower() not in TRANSCRIPT_SUFFIXES and is_audio(path)), None)


def cut(
    name: str,
    audio: Path,
    words: Sequence[Word],
    has_confidence: bool,
    breaks: Sequence[Seconds],
    max_seconds: Seconds,
    speaker: str | None = None,
    confidence: float | None = None,
) -> Iterator[Label | Rejected]:
    """Labels of the segments of a recording; loops are looked for in all of it, as they go on over pauses."""
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
        sure = confidence
        if has_confidence:
            sure = sum(word.confidence for word in segment.words) / len(segment.words)
        yield Label(
            f"{name}-{segment.start:.2f}",
            audio,
            segment.text,
            segment.start,
            segment.end - segment.start,
            speaker,
            sure,
            looped=any(place in looped for place in numbers),
        )


def _looped(words: Sequence[Word]) -> set[int]:
    """The places of words that are in loops."""
    spans = loop_spans(" ".join(word.text for word in words))
    places, position = set(), 0
    for place, word in enumerate(words):
        if any(start <= position < end for start, end in spans):
            places.add(place)
        position += len(word.text) + 1
    return places
