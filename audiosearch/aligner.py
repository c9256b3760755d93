"""Alignment of whole recordings with their texts: path and text → ``Transcript`` with times of words.

The text need not be exact. Words that were not said remain without times and are reported; speech that was not written
is passed over, or filled with the words of the recognizer.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiosearch.alignment.text_alignment import align_text
from audiosearch.recognizer import Recognizer, Unreadable, clip_words
from audiosearch.transcripts.imported import (
    ImportedTranscript,
    Token,
    divide_time,
    normalized_texts,
    timed_words,
    voice_of,
)
from audiosearch.types import Seconds, Transcript, Word

UNKNOWN = 0.5
"""Confidence of a word without a place, if its token has none."""

MIN_TIME: Seconds = 0.02
"""Least time of a word without a place."""

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
        filled: further words in the transcript: of the recognizer, or with the times of the text.
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
    recognizer: Recognizer,
    path: str | Path,
    script: ImportedTranscript,
    *,
    fill: bool = False,
    keep_times: bool = False,
) -> Alignment:
    """Find the times of the words of a text in a recording.

    Args:
        script: as ``alignment/scripts.py`` reads it.
        fill: add recognized words where nothing was written.
        keep_times: keep the words without a place at the times that they have in the text, where there is room.

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
    placed = {
        position: _with_token(word, script.tokens[owners[position]])
        for word, position in zip(aligned.words, aligned.positions, strict=True)
    }
    timed = list(placed.values())
    if keep_times:
        timed = _with_unplaced(placed, script, texts, recognized.duration)
    elif fill:
        timed = sorted([*timed, *_unwritten(recognized.words, timed)], key=lambda word: word.start)
    unsaid = [script.tokens[owners[first] : owners[end - 1] + 1] for first, end in aligned.unsaid]
    return Alignment(
        replace(recognized, words=clip_words(timed, recognized.duration)),
        len(words),
        tuple(
            Unsaid(tokens[0].location, " ".join(token.text for token in tokens), end - first)
            for tokens, (first, end) in zip(unsaid, aligned.unsaid, strict=True)
        ),
        len(timed) - len(placed),
        _cue_shift(script.tokens, [owners[position] for position in placed], list(placed.values())),
    )


def _with_token(word: Word, token: Token) -> Word:
    """A word with the voice of its token, and with the confidence of both.

    On 3,800 words by Whisper tiny.en, of which 93 % were right, its probability times the fourth root of the mean
    probability of the letters told them apart best: area under the ROC curve 0.92, by Whisper's alone 0.88.
    """
    confidence = word.confidence if token.confidence is None else token.confidence * word.confidence**0.25
    return replace(word, confidence=confidence, voice=voice_of(token))


def _with_unplaced(
    placed: Mapping[int, Word], script: ImportedTranscript, texts: Sequence[Sequence[str]], duration: Seconds
) -> list[Word]:
    """All words of a text with times: those with a place, and the others between them.

    A run of others has the times of its tokens, clipped to the time between its neighbors, or where there is no room
    the second half of the word before.
    """
    words: list[Word] = []
    waiting: list[Word] = []

    def place_waiting(until: Seconds) -> None:
        if not waiting:
            return
        start = max(waiting[0].start, words[-1].end if words else 0.0)
        end = min(waiting[-1].end, until)
        if end - start < MIN_TIME * len(waiting) and words:
            last = words.pop()
            start, end = (last.start + last.end) / 2, max(last.end, min(end, until))
            words.append(replace(last, end=start))
        spans = divide_time([word.text for word in waiting], start, max(start, end))
        words.extend(replace(word, start=a, end=b) for word, (a, b) in zip(waiting, spans, strict=True))
        waiting.clear()

    position = 0
    for token, token_words in zip(script.tokens, texts, strict=True):
        own = [] if token.start is None or token.end is None else list(timed_words(token, token_words, UNKNOWN))
        for number in range(len(token_words)):
            if position in placed:
                place_waiting(placed[position].start)
                words.append(placed[position])
            elif own:
                waiting.append(own[number])
            position += 1
    place_waiting(duration)
    return words


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
