"""Corrections of recognized words by hand, and the words of a recording with them.

A correction replaces adjacent words of one voice by other words. The recognized words are kept below, and the
corrections, which never overlap, refer to their positions in order of time; each can be reverted at any time::

    recognized     the │ quick │ brow │ fox │ jumps        positions 0 to 4
    correction         │       └ brown fox ─┘              first 2, count 2
    words          the │ quick │ brown │ fox │ jumps

When a recording is recognized anew, a correction moves to the new words at its time. One that fits none is set aside:
it is listed, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property

from audiosearch.errors import CorrectionError, WordsChangedError
from audiosearch.normalizer import normalize
from audiosearch.transcripts.imported import divide_time
from audiosearch.types import Seconds, Word
from indexer import word_codec
from indexer.types import MAX_LETTERS

MAX_CORRECTED = 64
"""Maximum number of words that a correction replaces, and of words in their place."""

TOLERANCE: Seconds = 0.25
"""Time by which the words of two recognitions of the same sound may differ."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Words in place of recognized ones.

    Args:
        number: within the recording, from 1 on; no number is given twice.
        first: position of the first recognized word; None: the correction is set aside.
        count: number of recognized words of this voice from there on.
        text: words joined by single spaces; empty: the recognized words are deleted.
        recognized: the recognized words, joined likewise.
        start: of the recognized words.
        end: of the recognized words.
        voice: of the recognized words.
        edited: time of the correction, ISO 8601 in UTC.
    """

    number: int
    first: int | None
    count: int
    text: str
    recognized: str
    start: Seconds
    end: Seconds
    voice: str | None
    edited: str

    def same(self, other: Correction) -> bool:
        """True if both replace the same by the same."""
        return replace(self, number=0, edited="") == replace(other, number=0, edited="")


@dataclass(frozen=True, slots=True)
class CorrectedWord:
    """Word of a corrected transcript.

    Args:
        position: of the recognized word, or of the first one that ``correction`` replaces.
        correction: that it belongs to; None: it is a recognized word.
    """

    word: Word
    position: int
    correction: Correction | None


@dataclass(frozen=True)
class CorrectedWords:
    """Recognized words of a recording with their corrections.

    Args:
        recognized: in order of time, in stored precision.
        corrections: those in place by position, then those set aside.
        given: highest number of a correction so far.
        revised: time of the last change, ISO 8601 in UTC; None if there is no correction.
    """

    recognized: tuple[Word, ...]
    corrections: tuple[Correction, ...] = ()
    given: int = 0
    revised: str | None = None

    @cached_property
    def entries(self) -> tuple[CorrectedWord, ...]:
        """Words of the transcript in order of time."""
        covered: dict[int, Correction] = {}
        for correction in self.placed:
            covered |= dict.fromkeys(self._covered(correction), correction)
        entries: list[CorrectedWord] = []
        for position, word in enumerate(self.recognized):
            found = covered.get(position)
            if found is None:
                entries.append(CorrectedWord(word, position, None))
            elif found.first == position:
                replaced = [self.recognized[place] for place in self._covered(found)]
                entries += (CorrectedWord(new, position, found) for new in _timed(replaced, found.text))
        if any(word.voice is not None for word in self.recognized):  # as by_time
            entries.sort(key=lambda entry: (entry.word.start, entry.word.end, entry.word.voice or ""))
        return tuple(entries)

    @property
    def words(self) -> tuple[Word, ...]:
        """Words of the transcript in order of time."""
        return tuple(entry.word for entry in self.entries)

    @property
    def placed(self) -> tuple[Correction, ...]:
        """Corrections of these words."""
        return tuple(correction for correction in self.corrections if correction.first is not None)

    @property
    def aside(self) -> tuple[Correction, ...]:
        """Corrections that fit no words."""
        return tuple(correction for correction in self.corrections if correction.first is None)

    @cached_property
    def _by_voice(self) -> dict[str | None, list[int]]:
        """Positions of the words of each voice."""
        positions: dict[str | None, list[int]] = {}
        for position, word in enumerate(self.recognized):
            positions.setdefault(word.voice, []).append(position)
        return positions

    @cached_property
    def _ranks(self) -> dict[int, int]:
        """Rank of each position among those of its voice."""
        return {position: rank for ranked in self._by_voice.values() for rank, position in enumerate(ranked)}

    def _covered(self, correction: Correction) -> list[int]:
        """Positions of the recognized words that a correction replaces."""
        assert correction.first is not None
        rank = self._ranks[correction.first]
        return self._by_voice[self.recognized[correction.first].voice][rank : rank + correction.count]

    def corrected(self, first: int, old: Sequence[str], new: str) -> CorrectedWords:
        """These words with ``new`` in place of the words ``old``, which begin at a position of ``entries``.

        Corrections of some of these words become part of the new one.

        Raises:
            WordsChangedError: there are other words.
            CorrectionError: the words or the text cannot be corrected or used.
        """
        if not 1 <= len(old) <= MAX_CORRECTED:
            raise CorrectionError(f"a correction replaces 1 to {MAX_CORRECTED} words, not {len(old)}")
        end = first + len(old)
        chosen = self.entries[first:end] if first >= 0 else ()
        if [entry.word.text for entry in chosen] != list(old):
            raise WordsChangedError(
                f'the words "{" ".join(old)}" are no longer there; the transcript now reads '
                f'"{" ".join(entry.word.text for entry in chosen)}"'
            )
        if len({entry.word.voice for entry in chosen}) > 1:
            raise CorrectionError("these words are of several voices: correct those of one voice at a time")
        texts = correction_words(new)
        if texts == list(old):
            return self
        parts = {entry.correction for entry in chosen if entry.correction is not None}
        whole = [(place, entry) for place, entry in enumerate(self.entries) if entry.correction in parts]
        before = [entry.word.text for place, entry in whole if place < first]
        after = [entry.word.text for place, entry in whole if place >= end]
        text = " ".join([*before, *texts, *after])
        ranks = [self._ranks[position] for entry in chosen for position in self._positions(entry)]
        voice = self._by_voice[chosen[0].word.voice]
        return self._with(voice[min(ranks) : max(ranks) + 1], text)

    def _positions(self, entry: CorrectedWord) -> Sequence[int]:
        return [entry.position] if entry.correction is None else self._covered(entry.correction)

    def _with(self, positions: Sequence[int], text: str) -> CorrectedWords:
        """These words with a text in place of the recognized ones at adjacent positions of a voice."""
        kept = [
            correction
            for correction in self.corrections
            if correction.first is None or correction.first not in positions
        ]
        words = [self.recognized[position] for position in positions]
        recognized = " ".join(word.text for word in words)
        edited, given = now(), self.given
        if text != recognized:
            given += 1
            start, end = words[0].start, max(word.end for word in words)
            kept.append(
                Correction(
                    given, positions[0], len(positions), text, recognized, start, end, words[0].voice, edited
                )
            )  # fmt: skip
        return _ordered(self.recognized, kept, given, edited)

    def reverted(self, numbers: Iterable[int] | None = None) -> CorrectedWords:
        """These words without the corrections of some numbers, or without any.

        Raises:
            CorrectionError: there is no such correction.
        """
        known = {correction.number for correction in self.corrections}
        gone = known if numbers is None else set(numbers)
        if missing := sorted(gone - known):
            raise CorrectionError(f"this recording has no correction {missing[0]}: list them first")
        kept = [correction for correction in self.corrections if correction.number not in gone]
        return _ordered(self.recognized, kept, self.given, now()) if gone else self

    def carried(self, recognized: Sequence[Word]) -> CorrectedWords:
        """The corrections over the words of another recognition, each at its time or set aside."""
        carried = CorrectedWords(tuple(recognized), (), self.given, self.revised)
        return carried._joined(carried._moved(self))

    def merged(self, other: CorrectedWords) -> CorrectedWords:
        """The corrections of both, over these words; of two that overlap, the older is set aside."""
        given = max(self.given, other.given)
        revised = max(filter(None, (self.revised, other.revised)), default=None)
        base = CorrectedWords(self.recognized, (), given, revised)
        new = [moved for moved in base._moved(other) if not any(map(moved.same, self.corrections))]
        return base._joined([*self.corrections, *new]) if new else self

    def adopted(self, other: CorrectedWords) -> CorrectedWords:
        """The corrections of both; those of other content are in place only where the same words were recognized."""
        moved = []
        for correction in other.corrections:
            fitted = self._fitted(correction)
            is_same = fitted.recognized == correction.recognized
            moved.append(fitted if is_same else replace(correction, first=None))
        revised = max(filter(None, (self.revised, other.revised)), default=None)
        base = CorrectedWords(self.recognized, (), max(self.given, other.given), revised)
        return base._joined([*self.corrections, *moved])

    def _moved(self, other: CorrectedWords) -> Iterator[Correction]:
        """Corrections of other words at their time in these."""
        for correction in other.corrections:
            is_placed = correction.first is not None and other.recognized == self.recognized
            yield correction if is_placed else self._fitted(correction)

    def _joined(self, corrections: Iterable[Correction]) -> CorrectedWords:
        """These words with corrections, the newest first: one that overlaps another is set aside."""
        taken: set[int] = set()
        numbers: set[int] = set()
        given = self.given
        kept = []
        for correction in sorted(corrections, key=lambda correction: (correction.edited, correction.number))[::-1]:
            if correction.number in numbers:
                given += 1
                correction = replace(correction, number=given)
            numbers.add(correction.number)
            covered = set() if correction.first is None else set(self._covered(correction))
            if covered & taken:
                correction, covered = replace(correction, first=None), set()
            taken |= covered
            kept.append(correction)
        return _ordered(self.recognized, kept, given, self.revised)

    def _fitted(self, correction: Correction) -> Correction:
        """A correction at its time in these words, or set aside where they do not begin and end there.

        ::

            before      │  word  ┌ word │ word ┐ word │
            now         │ word │ └─── word ────┘ word │    fits: no word crosses an edge by more than TOLERANCE
        """
        positions = self._by_voice.get(correction.voice, ())
        if not positions and len(self._by_voice) == 1:
            ((positions),) = self._by_voice.values()
        inside: list[int] = []
        for position in positions:
            word = self.recognized[position]
            middle = (word.start + word.end) / 2
            is_inside = middle == correction.start or correction.start < middle < correction.end
            overlap = min(word.end, correction.end) - max(word.start, correction.start)
            excess = word.end - word.start - max(overlap, 0.0) if is_inside else overlap
            if excess > TOLERANCE:
                return replace(correction, first=None)
            if is_inside:
                inside.append(position)
        if not inside or self._ranks[inside[-1]] - self._ranks[inside[0]] != len(inside) - 1:
            return replace(correction, first=None)
        words = [self.recognized[position] for position in inside]
        return replace(
            correction,
            first=inside[0],
            count=len(inside),
            recognized=" ".join(word.text for word in words),
            start=words[0].start,
            end=max(word.end for word in words),
            voice=words[0].voice,
        )

    def set_aside(self, recognized: Sequence[Word]) -> CorrectedWords:
        """The corrections, all set aside, of words that replaced these without them."""
        aside = [replace(correction, first=None) for correction in self.corrections]
        return _ordered(tuple(recognized), aside, self.given, self.revised)


Change = Callable[[CorrectedWords], CorrectedWords]
"""Change of corrections, which may be tried again with those of another process."""


def _ordered(
    recognized: tuple[Word, ...], corrections: Iterable[Correction], given: int, revised: str | None
) -> CorrectedWords:
    ordered = sorted(corrections, key=lambda each: (each.first is None, each.first or 0, each.start, each.number))
    return CorrectedWords(recognized, tuple(ordered), given, revised if ordered else None)


def now() -> str:
    """The present time, ISO 8601 in UTC with microseconds, which tell successive changes apart."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def correction_words(text: str) -> list[str]:
    """Words of a typed text as the index has them; none of a blank one.

    Raises:
        CorrectionError: the text has letters that no word of the index has, or too many words or letters.
    """
    if unknown := [letter for letter in text if letter.isalpha() and not normalize(letter)]:
        raise CorrectionError(f"{unknown[0]} cannot be in a word of the index: use the letters a to z")
    words = normalize(text).split()
    if text.strip() and not words:
        raise CorrectionError(f'there is no word in "{text.strip()[:MAX_LETTERS]}": use the letters a to z or numbers')
    if len(words) > MAX_CORRECTED:
        raise CorrectionError(f"a correction has at most {MAX_CORRECTED} words, not {len(words)}")
    if any(len(word) > MAX_LETTERS for word in words):
        raise CorrectionError(f"a word has at most {MAX_LETTERS} letters")
    return words


def _timed(replaced: Sequence[Word], text: str) -> Iterator[Word]:
    """The words of a text in the time of adjacent words of a voice.

    Equal words at both ends keep their times, and the others divide the time between them, or take that of their
    counterparts if there are as many.
    """
    texts = text.split()
    head = _equal(replaced, texts)
    tail = min(_equal(replaced[::-1], texts[::-1]), len(replaced) - head, len(texts) - head)
    if len(texts) > len(replaced) == head + tail:  # words were added between others, which share their time
        head, tail = (head - 1, tail) if head else (head, tail - 1)
    middle, new = replaced[head : len(replaced) - tail], texts[head : len(texts) - tail]
    times = [(word.start, word.end) for word in replaced]
    if len(new) != len(middle) and new:
        start, end = middle[0].start, max(word.end for word in middle)
        times[head : len(replaced) - tail] = divide_time(new, start, end)
    elif not new:
        del times[head : len(replaced) - tail]
    voice = replaced[0].voice
    yield from word_codec.stored(Word(word, *time, 1.0, (), voice) for word, time in zip(texts, times, strict=True))


def _equal(words: Sequence[Word], texts: Sequence[str]) -> int:
    """Number of words at the beginning that are equal to the texts."""
    pairs = zip(words, texts, strict=False)
    return next((number for number, (word, text) in enumerate(pairs) if word.text != text), min(len(words), len(texts)))
