"""Words of imported transcripts: normalized text, each word with its own time.

A token that is spoken as several words ("$5.50", "Mr. Smith") divides its time among them by their letters. Tokens
that are entirely in brackets ("<unk>", "[noise]") and punctuation are no words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from audiosearch.normalizer import normalize
from audiosearch.tags import strip_tokens
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Seconds, Word

MIN_SINGLE_WORDS = 0.9
"""Share of segments of one word from which on the times of segments are those of words."""

LETTER_TIME: Seconds = 0.1
"""Duration of a letter of a word of which only the start or end is known."""

MAX_CONTEXT = 50
"""Maximum number of tokens that are normalized together."""

MAX_GAP: Seconds = 2.0
"""Longest pause between tokens that are normalized together."""

ALIGN = "`audiosearch align RECORDING FILE` finds them"
"""Way to times of words, for messages."""

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
        kind: whisperx, vosk, vtt, ctm, json or another short name.
        tokens: with times, in the order of the file.
        duration: of the recording; None if unknown.
        breaks: ends of segments, if only segments have times.
        language: such as ``en``; None if unknown.
        faults: sentences on entries of its file that are left out.
    """

    name: str
    kind: str
    tokens: tuple[Token, ...]
    duration: Seconds | None = None
    breaks: tuple[Seconds, ...] = ()
    language: str | None = None
    faults: tuple[str, ...] = ()

    def words(self, confidence: float) -> tuple[Word, ...]:
        """Normalized words in order of time; they overlap only where the tokens do.

        Args:
            confidence: of words without one.
        """
        texts = normalized_texts(self.tokens)
        words = [word for pair in zip(self.tokens, texts, strict=True) for word in timed_words(*pair, confidence)]
        return tuple(sorted(words, key=lambda word: word.start))


def note(transcripts: Sequence[ImportedTranscript]) -> str:
    """Sentences on what was mended and left out in a file; empty if nothing was."""
    mended = [token.location for transcript in transcripts for token in transcript.tokens if token.mended]
    faults = [fault for transcript in transcripts for fault in transcript.faults]
    total = len(faults) + sum(len(transcript.tokens) for transcript in transcripts)
    sentences = []
    if mended:
        words = "1 word" if len(mended) == 1 else f"{len(mended):,} words"
        reason = "a time or confidence was out of range or no number"
        sentences.append(f"{mended[0]}: {reason}; {words} of the file mended.")
    if faults:
        sentences.append(f"{faults[0]} {len(faults):,} of {total:,} words or lines of the file left out.")
    return " ".join(sentences)


def is_by_word(texts: Sequence[str]) -> bool:
    """True if segments, by far the most of them, have one word each."""
    lengths = [len(text.split()) for text in texts]
    return bool(lengths) and sum(length < 2 for length in lengths) >= MIN_SINGLE_WORDS * len(lengths)


def interpolate_times(tokens: Sequence[Token], start: Seconds, end: Seconds) -> list[Token]:
    """Tokens of a span of time; those without times divide the time between their neighbors by their letters."""
    timed: list[Token] = []
    waiting: list[Token] = []
    last = start
    for token in tokens:
        if token.start is None or token.end is None:
            waiting.append(token)
            continue
        timed += _with_times(waiting, last, max(token.start, last))
        timed.append(token)
        waiting, last = [], max(token.end, last)
    return [*timed, *_with_times(waiting, last, max(end, last))]


def complete_times(tokens: Sequence[Token]) -> list[Token]:
    """Tokens of which only the start or end is known, with the other by their letters and the neighbors."""
    completed: list[Token] = []
    for number, token in enumerate(tokens):
        length = LETTER_TIME * max(len(token.text.strip()), 3)
        if token.start is None and token.end is not None:
            before = completed[-1].end if completed else None
            token = replace(token, start=min(max(before or 0.0, token.end - length), token.end))
        elif token.start is not None and token.end is None:
            after = next((other.start for other in tokens[number + 1 :] if other.start is not None), None)
            end = token.start + length
            token = replace(token, end=end if after is None or after < token.start else min(end, after))
        elif token.start is not None and token.end is not None and token.end < token.start:
            token = replace(token, end=token.start, mended=True)  # of pieces out of order
        completed.append(token)
    return completed


def _with_times(tokens: Sequence[Token], start: Seconds, end: Seconds) -> Iterator[Token]:
    spans = divide_time([token.text for token in tokens], start, end)
    for token, (first, last) in zip(tokens, spans, strict=True):
        yield replace(token, start=first, end=last)


def normalized_texts(tokens: Sequence[Token]) -> list[list[str]]:
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


def voice_of(token: Token) -> str | None:
    """The voice of a token on one line."""
    return None if token.voice is None else " ".join(token.voice.split()) or None


def timed_words(token: Token, texts: Sequence[str], confidence: float) -> Iterator[Word]:
    """The normalized words of a token with times, which divide its time.

    Args:
        confidence: if the token has none.
    """
    assert token.start is not None
    assert token.end is not None
    if token.confidence is not None:
        confidence = token.confidence
    alternatives = token.alternatives[:MAX_ALTERNATIVES] if len(texts) == 1 else ()
    voice = voice_of(token)
    for text, (start, end) in zip(texts, divide_time(texts, token.start, token.end), strict=True):
        yield Word(text, start, end, confidence, tuple(item for item in alternatives if item.text != text), voice)


def divide_time(texts: Iterable[str], start: Seconds, end: Seconds) -> list[tuple[Seconds, Seconds]]:
    """The time from ``start`` to ``end``, divided by letters."""
    lengths = [max(len(text), 1) for text in texts]
    total, done, spans = sum(lengths), 0, []
    for length in lengths:
        first, done = done, done + length
        spans.append((start + (end - start) * first / total, start + (end - start) * done / total))
    return spans
