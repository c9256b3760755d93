"""What others wrote down with times → our words: normal text, each with its own time.

A token that is read as several words ("$5.50", "Mr. Smith") gives each of them a share of its time by their letters.
What is in brackets alone ("<unk>", "[noise]") is no word, and punctuation is none either.
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
    """A piece of a transcript as it was written.

    Args:
        start: None where it is not known; ``timed`` finds one.
        end: likewise.
        confidence: in [0, 1]; None where nobody says.
        place: where it stands in its file, for messages.
        alternatives: normal words that competed, where it is one.
    """

    text: str
    start: Seconds | None
    end: Seconds | None
    confidence: float | None
    place: str
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedTranscript:
    """What is said in one recording, as others wrote it down.

    Args:
        name: of the recording, or of its file, as far as the transcript tells; "" where it does not.
        kind: of transcript: whisperx, vosk, vtt, ctm, json.
        tokens: with times, in the order of the file.
        duration: None where the transcript does not tell.
        breaks: where segments end, of a transcript that has times of segments only.
        language: as the transcript tells, such as ``en``; None where it does not.
    """

    name: str
    kind: str
    tokens: tuple[Token, ...]
    duration: Seconds | None = None
    breaks: tuple[Seconds, ...] = ()
    language: str | None = None

    def words(self, confidence: float) -> tuple[Word, ...]:
        """Our words by time; of the same voice they do not overlap if the tokens do not.

        Args:
            confidence: of words of which nobody says it.
        """
        words = [word for token in self.tokens for word in _words(token, confidence)]
        return tuple(sorted(words, key=lambda word: word.start))


def timed(tokens: Sequence[Token], start: Seconds, end: Seconds) -> list[Token]:
    """Tokens of a stretch of speech; those without times share, by their letters, the time between their neighbors."""
    found: list[Token] = []
    waiting: list[Token] = []
    last = start
    for token in tokens:
        if token.start is None or token.end is None:
            waiting.append(token)
            continue
        found += _shared(waiting, last, max(token.start, last))
        found.append(token)
        waiting, last = [], max(token.end, last)
    return [*found, *_shared(waiting, last, max(end, last))]


def checked(start: object, end: object, place: str) -> tuple[Seconds, Seconds]:
    """Two times from a file; TranscriptError where they are none."""
    for value in (start, end):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not (0 <= value < math.inf):
            raise TranscriptError(f"{place}: {value!r} is no time; it should be a number of seconds from 0 on.")
    assert isinstance(start, (int, float))
    assert isinstance(end, (int, float))
    if end < start:
        raise TranscriptError(f"{place}: ends at {end:g} s, before it starts at {start:g} s.")
    return float(start), float(end)


def probability(value: object, place: str) -> float | None:
    """A confidence from a file, None where there is none; TranscriptError where it is out of range."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -0.001 <= value <= 1.001:
        raise TranscriptError(f"{place}: {value!r} is no confidence; it should be from 0 to 1.")
    return min(max(float(value), 0.0), 1.0)


def _shared(tokens: Sequence[Token], start: Seconds, end: Seconds) -> Iterator[Token]:
    spans = _spans([token.text for token in tokens], start, end)
    for token, (first, last) in zip(tokens, spans, strict=True):
        yield replace(token, start=first, end=last)


def _words(token: Token, confidence: float) -> Iterator[Word]:
    if _NO_WORD.fullmatch(token.text):
        return
    texts = normalize(token.text).split()
    assert token.start is not None
    assert token.end is not None
    sure = confidence if token.confidence is None else token.confidence
    others = token.alternatives[:MAX_ALTERNATIVES] if len(texts) == 1 else ()
    for text, (start, end) in zip(texts, _spans(texts, token.start, token.end), strict=True):
        yield Word(text, start, end, sure, tuple(other for other in others if other.text != text))


def _spans(texts: Iterable[str], start: Seconds, end: Seconds) -> list[tuple[Seconds, Seconds]]:
    """The time from ``start`` to ``end`` in shares by letters."""
    lengths = [max(len(text), 1) for text in texts]
    total, done, spans = sum(lengths), 0, []
    for length in lengths:
        first, done = done, done + length
        spans.append((start + (end - start) * first / total, start + (end - start) * done / total))
    return spans
