"""Words of imported transcripts: normalized text, each word with its own time.

A token that is spoken as several words ("$5.50", "Mr. Smith") divides its time among them by their letters. Tokens
that are entirely in brackets ("<unk>", "[noise]") and punctuation are no words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from audiosearch.errors import TranscriptError
from audiosearch.normalizer import normalize
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Seconds, Word

_NO_WORD = re.compile(r"\s*(?:<[^>]*>|\[[^\]]*\]|\{[^}]*\})\s*")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a transcript as written.

    Args:
        start: None if unknown; ``interpolate_times`` sets it.
        end: likewise.
        confidence: in [0, 1]; None if unknown.
        location: in its file, for messages.
        alternatives: normalized words that competed, if the token is a single word.
    """

    text: str
    start: Seconds | None
    end: Seconds | None
    confidence: float | None
    location: str
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedTranscript:
    """Transcript of one recording by another program.

    Args:
        name: of the recording or of its file; "" if the transcript does not name it.
        kind: whisperx, vosk, vtt, ctm or json.
        tokens: with times, in the order of the file.
        duration: of the recording; None if unknown.
        breaks: ends of segments, if only segments have times.
        language: such as ``en``; None if unknown.
    """

    name: str
    kind: str
    tokens: tuple[Token, ...]
    duration: Seconds | None = None
    breaks: tuple[Seconds, ...] = ()
    language: str | None = None

    def words(self, confidence: float) -> tuple[Word, ...]:
        """Normalized words in order of time; they overlap only where the tokens do.

        Args:
            confidence: of words without one.
        """
        words = [word for token in self.tokens for word in _words(token, confidence)]
        return tuple(sorted(words, key=lambda word: word.start))


def interpolate_times(tokens: Sequence[Token], start: Seconds, end: Seconds) -> list[Token]:
    """Tokens of a span of time; those without times divide the time between their neighbors by their letters."""
    timed: list[Token] = []
    waiting: list[Token] = []
    last = start
    for token in tokens:
        if token.start is None or token.end is None:
            waiting.append(token)
            continue
        timed += _divide_time(waiting, last, max(token.start, last))
        timed.append(token)
        waiting, last = [], max(token.end, last)
    return [*timed, *_divide_time(waiting, last, max(end, last))]


def check_times(start: object, end: object, location: str) -> tuple[Seconds, Seconds]:
    """Start and end from a file; TranscriptError if they are no times or out of order."""
    for value in (start, end):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not (0 <= value < math.inf):
            raise TranscriptError(f"{location}: {value!r} is not a time; it must be a number of seconds, 0 or more.")
    assert isinstance(start, (int, float))
    assert isinstance(end, (int, float))
    if end < start:
        raise TranscriptError(f"{location}: ends at {end:g} s, before it starts at {start:g} s.")
    return float(start), float(end)


def check_confidence(value: object, location: str) -> float | None:
    """A confidence from a file, or None; TranscriptError if it is out of range."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -0.001 <= value <= 1.001:
        raise TranscriptError(f"{location}: {value!r} is not a confidence; it must be from 0 to 1.")
    return min(max(float(value), 0.0), 1.0)


def _divide_time(tokens: Sequence[Token], start: Seconds, end: Seconds) -> Iterator[Token]:
    spans = _spans([token.text for token in tokens], start, end)
    for token, (first, last) in zip(tokens, spans, strict=True):
        yield replace(token, start=first, end=last)


def _words(token: Token, confidence: float) -> Iterator[Word]:
    if _NO_WORD.fullmatch(token.text):
        return
    texts = normalize(token.text).split()
    assert token.start is not None
    assert token.end is not None
    if token.confidence is not None:
        confidence = token.confidence
    alternatives = token.alternatives[:MAX_ALTERNATIVES] if len(texts) == 1 else ()
    for text, (start, end) in zip(texts, _spans(texts, token.start, token.end), strict=True):
        yield Word(text, start, end, confidence, tuple(item for item in alternatives if item.text != text))


def _spans(texts: Iterable[str], start: Seconds, end: Seconds) -> list[tuple[Seconds, Seconds]]:
    """The time from ``start`` to ``end``, divided by letters."""
    lengths = [max(len(text), 1) for text in texts]
    total, done, spans = sum(lengths), 0, []
    for length in lengths:
        first, done = done, done + length
        spans.append((start + (end - start) * first / total, start + (end - start) * done / total))
    return spans
