"""Matches of phrases in an SQLite index: positions from FTS5 (``fts_tokens.py``), confidences from word blocks."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from indexer.matching import match
from indexer.matching.grades import ALL_GRADES, BEST_GRADE, grade_of
from indexer.matching.match import Match, Span
from indexer.matching.ranking import best_first
from indexer.sqlite import fts_tokens
from indexer.sqlite.lexicon import Lexicon
from indexer.sqlite.word_blocks import BLOCK_WORDS, END, WordBlock, WordBlocks
from indexer.types import Phrase, Term

if TYPE_CHECKING:
    import apsw

RecordingSpans = tuple[int, Sequence[Span]]
"""Number of a recording, and spans in it."""

NumberRange = tuple[int, int]
"""Numbers of recordings, half-open."""

ALL_RECORDINGS: NumberRange = (0, END)

MAX_READ_AT_ONCE = 300
"""Matches of a phrase that are read in one FTS5 query, whatever their grades, in place of a query for each grade."""

MAX_COLLECTED = 20_000
"""Matches of a phrase that are collected before the first is returned."""

BATCH = 100
"""Approximate number of matches whose blocks are read together: with fewer, reading takes longer; of more, some may
not be needed."""


class PhraseMatcher:
    """Matches of phrases and their confidences, recording by recording."""

    def __init__(self, connection: apsw.Connection, lexicon: Lexicon, blocks: WordBlocks) -> None:
        self._connection = connection
        self._lexicon = lexicon
        self._blocks = blocks

    def spans(
        self,
        *phrases: Phrase,
        also: Sequence[Phrase] = (),
        numbers: NumberRange = ALL_RECORDINGS,
        newest_first: bool = False,
    ) -> Iterator[tuple[int, list[list[Span]]]]:
        """Recordings in which all of the phrases match, by number, with the matches of each phrase.

        Args:
            also: phrases that must match too, but whose matches are not returned.
            numbers: recordings searched.
            newest_first: highest number first.
        """
        wanted = len(phrases)
        phrases += tuple(phrase for phrase in also if not phrase.is_contiguous)
        for part, common in self._partition((*phrases, *also), numbers, newest_first):
            queries = [fts_tokens.fts_query(phrase, common) for phrase in phrases]
            conditions = [fts_tokens.fts_query(phrase, common)[0] for phrase in also if phrase.is_contiguous]
            query = " AND ".join([*(text for text, _ in queries), *conditions])
            for number, *positions in self._run(query, sum(count for _, count in queries), part, newest_first):
                remaining = iter(positions)
                spans = [
                    fts_tokens.spans_from_positions(phrase, list(islice(remaining, count)))
                    for phrase, (_, count) in zip(phrases, queries, strict=True)
                ]
                if all(spans):
                    yield number, spans[:wanted]

    def occurring(self, texts: Collection[str], slop: int) -> list[str]:
        """Those of the texts of phrases that have a match."""
        words = {word for text in texts for word in text.split()}
        unknown = {word for word in words if word[-1] != "*"} - self._lexicon.known(words)
        held = [Phrase.of(text, slop) for text in texts if unknown.isdisjoint(text.split())]
        if not held or not self._is_any(held):
            return []
        return [phrase.text for phrase in held if next(self.spans(phrase), None) is not None]

    def _is_any(self, phrases: Iterable[Phrase]) -> bool:
        """Return whether a recording may have a match of one of the phrases."""
        query = " OR ".join(fts_tokens.fts_query(phrase)[0] for phrase in phrases)
        return self._connection.execute("SELECT 1 FROM tokens WHERE tokens MATCH ? LIMIT 1", (query,)).get is not None

    def score(self, phrase: Phrase, matches: Iterable[RecordingSpans]) -> Iterator[Match[int]]:
        """Matches of a phrase with their confidences."""
        terms = [(term, self._as_alternative(term)) for term in phrase.terms]
        for batch in _batches(matches):
            blocks = self._blocks_of(batch)
            for number, spans in batch:
                for span in spans:
                    yield _score_match(blocks, number, span, terms)

    def iter_best_first(self, phrase: Phrase) -> Iterator[Match[int]]:
        """All matches of a phrase in the order of blocks (``matching/match.py``), read lazily.

        If tokens carry grades and there are many matches, those of the best grade are read first. Otherwise all are
        read, the newest first.
        """
        since = self._graded_since(phrase)
        few = None
        if since is not None and len(phrase.terms) > 1:
            few = self._read_few(phrase, MAX_READ_AT_ONCE if len(phrase.terms) == 2 else match.MAX_RANKED)
        if since is None or few is not None:
            since = END
        rest: list[Match[int]] = []
        for grade in reversed(ALL_GRADES):
            if since < END:
                yield from self._of_grade(phrase, grade, (since, END))
            if grade == BEST_GRADE:
                ungraded = self._newest_first(phrase, (0, since)) if few is None else self.score(phrase, few)
                for candidate in ungraded:
                    if grade_of(candidate.confidence) == BEST_GRADE:
                        yield candidate
                    else:
                        rest.append(candidate)
                rest = best_first(rest, len(rest))
            else:
                yield from (candidate for candidate in rest if grade_of(candidate.confidence) == grade)

    def _blocks_of(self, matches: Iterable[RecordingSpans]) -> dict[int, WordBlock]:
        """Word blocks of all positions of matches, by number."""
        return self._blocks.at(
            {
                (number << 32) + position - position % BLOCK_WORDS
                for number, spans in matches
                for span in spans
                for position in span
            }
        )

    def _as_alternative(self, term: Term) -> bytes | None:
        """Bytes of a term as an alternative; None for a prefix, and for a word that is not in the lexicon."""
        return None if term.prefix else self._lexicon.alternative(term.text)

    def _graded_since(self, phrase: Phrase) -> int | None:
        """Number of the first recording whose tokens carry grades of a phrase; None if there is none."""
        if not phrase.is_exact:
            return None
        return self._lexicon.common_since(term.text for term in phrase.terms)

    def _newest_first(self, phrase: Phrase, numbers: NumberRange) -> Iterator[Match[int]]:
        """All matches of a phrase, those of the recordings added last first.

        FTS5 reads faster in ascending order than in descending order, four times if one of two words is in nearly
        every recording. If the number of matches is bounded, all are collected before the first is returned.
        """
        recordings: Iterable[tuple[int, list[list[Span]]]]
        if self._is_bounded(phrase):
            recordings = reversed([*self.spans(phrase, numbers=numbers)])
        else:
            recordings = self.spans(phrase, numbers=numbers, newest_first=True)
        return self.score(phrase, ((number, spans) for number, (spans,) in recordings))

    def _is_bounded(self, phrase: Phrase) -> bool:
        """Return whether a phrase has at most MAX_COLLECTED matches in recordings whose tokens carry no grades."""
        if phrase.is_exact:
            return True
        rarest = self._lexicon.rarest(term.text for term in phrase.terms if not term.prefix)
        return rarest is not None and rarest <= MAX_COLLECTED

    def _read_few(self, phrase: Phrase, limit: int) -> list[RecordingSpans] | None:
        """All matches of a phrase, those of the recordings added last first; None if there are more than ``limit``."""
        recordings: list[RecordingSpans] = []
        count = 0
        for number, (spans,) in self.spans(phrase):
            recordings.append((number, spans))
            count += len(spans)
            if count > limit:
                return None
        return recordings[::-1]

    def _of_grade(self, phrase: Phrase, grade: int, numbers: NumberRange) -> Iterator[Match[int]]:
        """Matches of a grade of a phrase of common words, those of the recordings added last first."""
        length = len(phrase.terms)
        min_grade = grade if length > 1 else 0  # FTS5 returns every match of one word
        alternatives = [self._lexicon.alternative(term.text) or b"" for term in phrase.terms]
        terms = list(zip(phrase.terms, alternatives, strict=True))
        starts_of = self._run(fts_tokens.fts_query_for_grade(phrase, grade), 1, numbers, newest_first=True)
        for batch in _batches((number, match.consecutive_spans(starts, length)) for number, starts in starts_of):
            blocks = self._blocks_of(batch)
            chosen = self._non_overlapping(phrase, batch, blocks, alternatives, grade) if length > 1 else {}
            for number, spans in batch:
                for span in spans:
                    if number not in chosen or span in chosen[number]:
                        candidate = _score_match(blocks, number, span, terms, min_grade)
                        if grade_of(candidate.confidence) == grade:
                            yield candidate

    def _non_overlapping(
        self,
        phrase: Phrase,
        matches: Sequence[RecordingSpans],
        blocks: Mapping[int, WordBlock],
        alternatives: Sequence[bytes],
        grade: int,
    ) -> dict[int, set[Span]]:
        """Chosen matches of those recordings in which matches of different grades may overlap.

        These are all recordings if a word occurs twice in the phrase.
        """
        if len(set(phrase.terms)) < len(phrase.terms):
            first, end = matches[-1][0], matches[0][0] + 1
            return {number: set(spans) for number, (spans,) in self.spans(phrase, numbers=(first, end))}
        chosen = {}
        for number, spans in matches:
            if any(_may_overlap(blocks, number, span[0], alternatives, grade) for span in spans):
                ((_, (all_spans,)),) = self.spans(phrase, numbers=(number, number + 1))
                chosen[number] = set(all_spans)
        return chosen

    def _partition(
        self, phrases: Iterable[Phrase], numbers: NumberRange, newest_first: bool
    ) -> list[tuple[NumberRange, set[str]]]:
        """Ranges of recordings that are searched with the same tokens, and the words that are common in each."""
        pairs = [pair for phrase in phrases for pair in fts_tokens.adjacent_words(phrase)]
        since: dict[str, int] = {}
        for word in {word for pair in pairs for word in pair}:
            number = self._lexicon.common_since([word])
            if number is not None:
                since[word] = number
        both = (max(since[first], since[second]) for first, second in pairs if first in since and second in since)
        start, end = numbers
        borders = sorted({start, end, *(number for number in both if start < number < end)})
        ranges = [
            ((lower, upper), {word for word, number in since.items() if number <= lower})
            for lower, upper in pairwise(borders)
        ]
        return ranges[::-1] if newest_first else ranges

    def _run(
        self, query: str, phrases: int, numbers: NumberRange, newest_first: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """Recordings that an FTS5 query matches: the number, and the start positions of its first phrases."""
        columns = "".join(f", positions(tokens, {phrase})" for phrase in range(phrases))
        where = "tokens MATCH ?" + (" AND rowid >= ? AND rowid < ?" if numbers != ALL_RECORDINGS else "")
        for number, *packed in self._connection.execute(
            f"SELECT rowid{columns} FROM tokens WHERE {where} ORDER BY rowid {'DESC' if newest_first else 'ASC'}",
            (query, *(numbers if numbers != ALL_RECORDINGS else ())),
        ):
            yield number, *(array("I", positions) for positions in packed)


def _score_match(
    blocks: Mapping[int, WordBlock],
    number: int,
    span: Span,
    terms: Iterable[tuple[Term, bytes | None]],
    min_grade: int = 0,
) -> Match[int]:
    """Match with its confidence.

    Args:
        blocks: those that contain its positions.
        terms: each with its bytes as an alternative; None for a prefix.
        min_grade: no reading that matches has a lower one.
    """
    lowest = 1000
    base = number << 32
    for (term, alternative), position in zip(terms, span, strict=True):
        index = position % BLOCK_WORDS
        block = blocks[base + position - index]
        recognized = min_grade and block.best_alternative_grade < min_grade
        confidence = block.word_confidence(index) if recognized else block.confidence(term, index, alternative)
        if confidence < lowest:
            lowest = confidence
    return Match(number, span[0], span[-1], lowest)


def _may_overlap(
    blocks: Mapping[int, WordBlock], number: int, start: int, alternatives: Sequence[bytes], grade: int
) -> bool:
    """Return whether an earlier match of a phrase of distinct words may extend to the match that begins at ``start``.

    In that case ``start`` has another word of the phrase as a reading too, and a position before it the first word.
    """
    index = start % BLOCK_WORDS
    block = blocks[(number << 32) + start - index]
    if not block.has_several(index, alternatives, recognized=block.best_alternative_grade < grade):
        return False
    return any(before > index or block.has(index - before, alternatives[0]) for before in range(1, len(alternatives)))


def _batches(matches: Iterable[RecordingSpans]) -> Iterator[list[RecordingSpans]]:
    """Recordings, grouped to BATCH matches or a little more."""
    batch: list[RecordingSpans] = []
    size = 0
    for recording in matches:
        batch.append(recording)
        size += len(recording[1])
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
