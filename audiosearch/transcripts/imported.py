"""Words of imported transcripts: normalized text, each word with its own time.

A token that is spoken as several words ("$5.50", "Mr. Smith") divides its time among them by their letters. Tokens
that are entirely in brackets ("<unk>", "[noise]") and punctuation are no words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from audiosearch.errors import TranscriptError
from audiosearch.normalizer import normalize
from audiosearch.tags import strip_tokens
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Seconds, Word

MAX_TIME: Seconds = 1e6
"""Greater times are no times of recordings."""

MAX_CONTEXT = 50
"""Maximum number of tokens that are normalized together."""

MAX_GAP: Seconds = 2.0
"""Longest pause between tokens that are normalized together."""

_PLAIN = re.compile(r"[\"“(]*[A-Za-z]+(?:['’-][A-Za-z]+)*[.,;:!?\"”)]*|")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a transcript as written.

    Args:
        start: None if unknown; ``interpolate_times`` sets it.
        end: likewise.
        confidence: in [0, 1]; None if unknown.
        location: in its file, for messages.
        alternatives: normalized words that competed, if the token is a single word.
        mended: True if a time or the confidence was out of range or no number.
        voice: speaker or channel; None if unknown.
    """

    text: str
    start: Seconds | None
    end: Seconds | None
    confidence: float | None
    location: str
    alternatives: tuple[Alternative, ...] = ()
    mended: bool = False
    voice: str | None = None


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

    @property
    def note(self) -> str:
        """Sentence on mended words; empty if there are none."""
        mended = [token.location for token in self.tokens if token.mended]
        if not mended:
            return ""
        words = "1 word" if len(mended) == 1 else f"{len(mended):,} words"
        return f"{mended[0]}: a time or confidence was out of range or no number; {words} of the file mended."

    def words(self, confidence: float) -> tuple[Word, ...]:
        """Normalized words in order of time; they overlap only where the tokens do.

        Args:
            confidence: of words without one.
        """
        texts = _texts_in_context(self.tokens)
        words = [word for pair in zip(self.tokens, texts, strict=True) for word in _words(*pair, confidence)]
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


def mend_times(start: object, end: object) -> tuple[Seconds | None, Seconds | None, bool]:
    """Start and end from a file, and whether they had to be mended; both None if neither is a time."""
    first, last = mend_number(start), mend_number(end)
    if first is None and last is None:
        return None, None, start is not None or end is not None
    begin = max(0.0, last if first is None and last is not None else first or 0.0)
    stop = max(begin, begin if last is None else last)
    return begin, stop, (begin, stop) != (start, end)


def mend_number(value: object) -> float | None:
    """A finite number, also one written as text; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number <= MAX_TIME else None


def mend_confidence(value: object) -> tuple[float | None, bool]:
    """A confidence from a file in [0, 1], or None, and whether it had to be mended."""
    number = mend_number(value)
    if number is None:
        return None, value is not None
    if not -0.1 <= number <= 1.1:
        return None, True
    return min(max(number, 0.0), 1.0), isinstance(value, str) or not -0.001 <= number <= 1.001


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


def _texts_in_context(tokens: Sequence[Token]) -> list[list[str]]:
    """Normalized words of each token, as in its sentence: "$5", "million" are "five", "million dollars"."""
    written = strip_tokens([token.text for token in tokens])
    texts = [normalize(text).split() for text in written]
    for first, end in _contexts(tokens, [_PLAIN.fullmatch(text) is not None for text in written]):
        texts[first:end] = _assign(texts[first:end], normalize(" ".join(written[first:end])).split())
    return texts


def _contexts(tokens: Sequence[Token], plain: Sequence[bool]) -> list[tuple[int, int]]:
    """Runs of tokens to normalize together: those that are not plain words, with the words before and after them."""
    contexts: list[tuple[int, int]] = []
    for number in (number for number, is_plain in enumerate(plain) if not is_plain):
        first, end = number, number + 1
        if first and _gap(tokens[first - 1], tokens[first]) <= MAX_GAP:
            first -= 1
        if end < len(tokens) and _gap(tokens[end - 1], tokens[end]) <= MAX_GAP:
            end += 1
        if contexts and first < contexts[-1][1]:
            if end - contexts[-1][0] <= MAX_CONTEXT:
                contexts[-1] = (contexts[-1][0], end)
                continue
            first = contexts[-1][1]
        if first < end:
            contexts.append((first, end))
    return contexts


def _gap(before: Token, after: Token) -> Seconds:
    return (after.start or 0.0) - (before.end or 0.0)


def _assign(apart: list[list[str]], together: list[str]) -> list[list[str]]:
    """The words of consecutive tokens, normalized together, for each token."""
    words = [word for texts in apart for word in texts]
    if words == together or not words:
        return apart
    owners = [number for number, texts in enumerate(apart) for _ in texts]
    assigned: list[list[str]] = [[] for _ in apart]
    # From the end, as the word that moves is one that follows: "five dollars", "million" → "five million dollars".
    words, together, owners = words[::-1], together[::-1], owners[::-1]
    for kind, a, b, c, d in SequenceMatcher(None, words, together, autojunk=False).get_opcodes():
        if kind == "replace":
            numbers = _owners_by_letters(words[a:b], owners[a:b], together[c:d])
        else:
            numbers = owners[a:b] if kind == "equal" else [owners[min(a, len(owners) - 1)]] * (d - c)
        for word, number in zip(together[c:d], numbers, strict=False):
            assigned[number].insert(0, word)
    return assigned


def _owners_by_letters(words: Sequence[str], owners: Sequence[int], others: Sequence[str]) -> list[int]:
    """The owner of each of the other words: of the word that has its letters, or in its place."""
    letters = [owner for word, owner in zip(words, owners, strict=True) for _ in word]
    matcher = SequenceMatcher(None, "".join(words), "".join(others), autojunk=False)
    found = {b + n: letters[a + n] for a, b, size in matcher.get_matching_blocks() for n in range(size)}
    chosen, first = [], 0
    for number, other in enumerate(others):
        places = [found[n] for n in range(first, first + len(other)) if n in found]
        chosen.append(max(places, key=places.count) if places else owners[number * len(owners) // len(others)])
        first += len(other)
    return chosen


def _words(token: Token, texts: Sequence[str], confidence: float) -> Iterator[Word]:
    assert token.start is not None
    assert token.end is not None
    if token.confidence is not None:
        confidence = token.confidence
    alternatives = token.alternatives[:MAX_ALTERNATIVES] if len(texts) == 1 else ()
    for text, (start, end) in zip(texts, _spans(texts, token.start, token.end), strict=True):
        yield Word(text, start, end, confidence, tuple(item for item in alternatives if item.text != text), token.voice)


def _spans(texts: Iterable[str], start: Seconds, end: Seconds) -> list[tuple[Seconds, Seconds]]:
    """The time from ``start`` to ``end``, divided by letters."""
    lengths = [max(len(text), 1) for text in texts]
    total, done, spans = sum(lengths), 0, []
    for length in lengths:
        first, done = done, done + length
        spans.append((start + (end - start) * first / total, start + (end - start) * done / total))
    return spans
