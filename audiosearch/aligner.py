"""Alignment of whole recordings with their texts: path and text → ``Transcript`` with times of words.

The text need not be exact. Words that were not said remain without times and are reported; speech that was not written
is passed over, or filled with the words of the recognizer.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiosearch.alignment.text_alignment import align_text
from audiosearch.recognizer import Recognizer, Unreadable, clip_words
from audiosearch.transcripts.imported import ImportedTranscript, Token, normalized_texts
from audiosearch.types import Seconds, Transcript, Word

MIN_CUES = 3
"""Number of cues of which the median error is told."""


@dataclass(frozen=True)
class Unsaid:
    """Consecutive words of a text that were not found in the recording.

    Args:
        location: of the first one in its file.
        text: as written.
        words: their number.
    """

    location: str
    text: str
    words: int


@dataclass(frozen=True)
class CueShift:
    """Time from the cues of a text to the words: positive if the cues are early.

    Args:
        cues: number of cues that it was measured on.
        first: median over the first quarter of them.
        last: median over the last quarter.
    """

    cues: int
    first: Seconds
    last: Seconds


@dataclass(frozen=True)
class Alignment:
    """A recording with the words of its text.

    Args:
        transcript: words in order of time, with the emissions if the recognizer keeps them.
        total: words of the text.
        unsaid: runs of words of the text without times, in order.
        filled: words of the recognizer where nothing was written.
        shift: None if the text has no cues, or too few.
    """

    transcript: Transcript
    total: int
    unsaid: tuple[Unsaid, ...]
    filled: int
    shift: CueShift | None

    @property
    def placed(self) -> int:
        """Words of the text with times."""
        return len(self.transcript.words) - self.filled


def align_recording(
    recognizer: Recognizer, path: str | Path, script: ImportedTranscript, *, fill: bool = False
) -> Alignment:
    """Find the times of the words of a text in a recording.

    Args:
        script: as ``alignment/scripts.py`` reads it.
        fill: add recognized words where nothing was written.

    Raises:
        AudioError: the recording cannot be read.
    """
    (result,) = recognizer.recognize([path], with_segments=True)
    if isinstance(result, Unreadable):
        raise result.error
    recognized = result.transcript
    texts = normalized_texts(script.tokens)
    words = [word for token_words in texts for word in token_words]
    owners = [number for number, token_words in enumerate(texts) for _ in token_words]
    aligned = align_text(result.segments, recognized.words, words, recognizer.model.alphabet)
    placed = [
        replace(word, voice=script.tokens[owners[position]].voice)
        for word, position in zip(aligned.words, aligned.positions, strict=True)
    ]
    added = _unwritten(recognized.words, placed) if fill else []
    timed = clip_words(sorted([*placed, *added], key=lambda word: word.start), recognized.duration)
    unsaid = [script.tokens[owners[first] : owners[end - 1] + 1] for first, end in aligned.unsaid]
    return Alignment(
        replace(recognized, words=timed),
        len(words),
        tuple(
            Unsaid(tokens[0].location, " ".join(token.text for token in tokens), end - first)
            for tokens, (first, end) in zip(unsaid, aligned.unsaid, strict=True)
        ),
        len(added),
        _cue_shift(script.tokens, [owners[position] for position in aligned.positions], placed),
    )


def _unwritten(recognized: Sequence[Word], placed: Sequence[Word]) -> list[Word]:
    """Recognized words of which the middle lies in no word of the text, clipped to the time between these."""
    unwritten, number = [], 0
    for word in recognized:
        middle = (word.start + word.end) / 2
        while number < len(placed) and placed[number].end <= middle:
            number += 1
        start = max(word.start, placed[number - 1].end) if number else word.start
        end = min(word.end, placed[number].start) if number < len(placed) else word.end
        if start < middle < end:
            unwritten.append(replace(word, start=start, end=end))
    return unwritten


def _cue_shift(tokens: Sequence[Token], owners: Sequence[int], words: Sequence[Word]) -> CueShift | None:
    """The shift of the first words of cues; they begin where their cue does."""
    starts = {
        number for number, token in enumerate(tokens) if not number or token.location != tokens[number - 1].location
    }
    shifts: dict[int, Seconds] = {}
    for owner, word in zip(owners, words, strict=True):
        start = tokens[owner].start
        if owner in starts and start is not None:
            shifts.setdefault(owner, word.start - start)
    if len(shifts) < MIN_CUES:
        return None
    values = list(shifts.values())
    quarter = max(1, len(values) // 4)
    return CueShift(len(values), statistics.median(values[:quarter]), statistics.median(values[-quarter:]))
