"""Phrases in an SQLite index: where FTS5 finds them (``tokens.py``), and how sure they are."""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from audiosearch.types import Word
from indexer.matching import match
from indexer.matching.match import Found, Span
from indexer.matching.ranking import chosen
from indexer.sqlite import fts_tokens as tokens
from indexer.sqlite.file import SqliteFile
from indexer.sqlite.lexicon import Lexicon
from indexer.sqlite.search import Matches, Search
from indexer.sqlite.word_blocks import CHUNK, END, Chunk, Chunks
from indexer.types import Phrase, Term

if TYPE_CHECKING:
    import apsw

BEST = tokens.EVERY_GRADE[-1]

Rows = tuple[int, int]
"""Recordings that are asked: from this number to before that one."""

EVERY: Rows = (0, END)

FEW = 300
"""Matches of a phrase that are all read, whatever their grades: FTS5 is asked once for them, and not for each grade."""

BOUND = 20_000
"""Matches of a phrase that are all found before the first is given."""

BATCH = 100
"""Matches whose rows are read at once, about; fewer take longer, of more some may not be needed."""


class Phrases(Search):
    """What an SQLite index finds of phrases."""

    _file: SqliteFile
    _connection: apsw.Connection
    _lexicon: Lexicon
    _chunks: Chunks

    def _words(self, number: int, first: int, end: int) -> list[Word]:
        """The words of a recording at the positions from ``first`` to before ``end``, as far as there are any."""
        return self._chunks.words(number, first, end)

    def _confident(self, phrase: Phrase, matches: Iterable[Matches]) -> Iterator[Found[int]]:
        """Matches of a phrase with their confidences."""
        terms = [(term, self._alternative(term)) for term in phrase.terms]
        for some in _batches(matches):
            chunks = self._rows(some)
            for number, spans in some:
                for span in spans:
                    yield _sure(chunks, number, span, terms)

    def _rows(self, matches: Iterable[Matches]) -> dict[int, Chunk]:
        """The rows of all positions of some matches."""
        rows = {(number << 32) + place - place % CHUNK for number, spans in matches for span in spans for place in span}
        return self._chunks.at(rows)

    def _alternative(self, term: Term) -> bytes | None:
        """The bytes of a term as an alternative, where it can be only one word."""
        return None if term.prefix else self._lexicon.alternative(term.text)

    def _since(self, phrase: Phrase) -> int | None:
        """The number of the recording from which on FTS5 can be asked for a phrase by grade; None: it cannot."""
        if not tokens.is_exact(phrase):
            return None
        return self._lexicon.common_since(term.text for term in phrase.terms)

    def _descending(self, phrase: Phrase) -> Iterator[Found[int]]:
        """All matches of a phrase in the order of choice (``match.py``), read as they are asked for.

        FTS5 is asked for those of the best grade first where it can tell and there are many; if not, all are read, the
        newest first.
        """
        since = self._since(phrase)
        few = None
        if since is not None and len(phrase.terms) > 1:
            few = self._few(phrase, FEW if len(phrase.terms) == 2 else match.MOST_RANKED)
        if since is None or few is not None:
            since = END
        rest: list[Found[int]] = []
        for grade in reversed(tokens.EVERY_GRADE):
            if since < END:
                yield from self._of_grade(phrase, grade, (since, END))
            if grade == BEST:
                found = self._found(phrase, (0, since)) if few is None else self._confident(phrase, few)
                for one in found:
                    if match.grade(one.confidence) == BEST:
                        yield one
                    else:
                        rest.append(one)
                rest = chosen(rest, len(rest))
            else:
                yield from (one for one in rest if match.grade(one.confidence) == grade)

    def _found(self, phrase: Phrase, rows: Rows) -> Iterator[Found[int]]:
        """All matches of a phrase, those of the recordings added last first.

        FTS5 goes up faster than down, four times where one of two words is in nearly every recording. So where there
        cannot be many matches all are found before the first comes.
        """
        every: Iterable[tuple[int, list[list[Span]]]]
        if self._is_bounded(phrase):
            every = reversed([*self._spans(phrase, rows=rows)])
        else:
            every = self._spans(phrase, rows=rows, newest=True)
        return self._confident(phrase, ((number, spans) for number, (spans,) in every))

    def _is_bounded(self, phrase: Phrase) -> bool:
        """Whether a phrase has at most BOUND matches where FTS5 cannot be asked by grade."""
        if tokens.is_exact(phrase):
            return True
        rarest = self._lexicon.rarest(term.text for term in phrase.terms if not term.prefix)
        return rarest is not None and rarest <= BOUND

    def _few(self, phrase: Phrase, most: int) -> list[Matches] | None:
        """All matches of a phrase, those of the recordings added last first; None if there are more than ``most``."""
        found: list[Matches] = []
        many = 0
        for number, (spans,) in self._spans(phrase):
            found.append((number, spans))
            many += len(spans)
            if many > most:
                return None
        return found[::-1]

    def _of_grade(self, phrase: Phrase, grade: int, rows: Rows) -> Iterator[Found[int]]:
        """The matches of a grade of a phrase of common words, those of the recordings added last first."""
        length = len(phrase.terms)
        least = grade if length > 1 else 0  # FTS5 gives every match of one word
        alternatives = [self._lexicon.alternative(term.text) or b"" for term in phrase.terms]
        terms = list(zip(phrase.terms, alternatives, strict=True))
        found = self._match(tokens.asked_of_grade(phrase, grade), 1, rows, newest=True)
        for some in _batches((number, match.successive(starts, length)) for number, starts in found):
            chunks = self._rows(some)
            apart = self._apart(phrase, some, chunks, alternatives, grade) if length > 1 else {}
            for number, spans in some:
                for span in spans:
                    if number not in apart or span in apart[number]:
                        one = _sure(chunks, number, span, terms, least)
                        if match.grade(one.confidence) == grade:
                            yield one

    def _apart(
        self,
        phrase: Phrase,
        matches: Sequence[Matches],
        chunks: Mapping[int, Chunk],
        alternatives: Sequence[bytes],
        grade: int,
    ) -> dict[int, set[Span]]:
        """The chosen matches of recordings in which matches of any grade may overlap.

        That is everywhere where a word is there twice in the phrase.
        """
        if len(set(phrase.terms)) < len(phrase.terms):
            first, end = matches[-1][0], matches[0][0] + 1
            return {number: set(spans) for number, (spans,) in self._spans(phrase, rows=(first, end))}
        apart = {}
        for number, spans in matches:
            if any(_may_overlap(chunks, number, span[0], alternatives, grade) for span in spans):
                ((_, (every,)),) = self._spans(phrase, rows=(number, number + 1))
                apart[number] = set(every)
        return apart

    def _spans(
        self, *phrases: Phrase, said: Sequence[Phrase] = (), rows: Rows = EVERY, newest: bool = False
    ) -> Iterator[tuple[int, list[list[Span]]]]:
        """Recordings in which all of the phrases match, by number, with the matches of each phrase.

        Args:
            said: phrases that match there too, and whose matches do not come.
            rows: of which recordings.
            newest: the greatest number first.
        """
        wanted = len(phrases)
        phrases += tuple(phrase for phrase in said if not tokens.is_adjacent(phrase))
        for some, common in self._parts((*phrases, *said), rows, newest):
            ask = functools.partial(tokens.asked, common=common)
            asked = [ask(phrase) for phrase in phrases]
            alone = [ask(phrase)[0] for phrase in said if tokens.is_adjacent(phrase)]
            query = " AND ".join([*(text for text, _ in asked), *alone])
            for number, *positions in self._match(query, sum(parts for _, parts in asked), some, newest):
                rest = iter(positions)
                spans = [
                    tokens.chosen(phrase, list(islice(rest, parts)))
                    for phrase, (_, parts) in zip(phrases, asked, strict=True)
                ]
                if all(spans):
                    yield number, spans[:wanted]

    def _parts(self, phrases: Iterable[Phrase], rows: Rows, newest: bool) -> list[tuple[Rows, set[str]]]:
        """Recordings in parts in each of which FTS5 is asked for the same tokens, and words that are common there."""
        pairs = [pair for phrase in phrases for pair in tokens.pairs(phrase)]
        since: dict[str, int] = {}
        for word in {word for pair in pairs for word in pair}:
            number = self._lexicon.common_since([word])
            if number is not None:
                since[word] = number
        both = (max(since[one], since[other]) for one, other in pairs if one in since and other in since)
        first, end = rows
        borders = sorted({first, end, *(number for number in both if first < number < end)})
        parts = [
            ((one, other), {word for word, number in since.items() if number <= one})
            for one, other in pairwise(borders)
        ]
        return parts[::-1] if newest else parts

    def _match(self, query: str, phrases: int, rows: Rows, newest: bool = False) -> Iterator[tuple[Any, ...]]:
        """Recordings that an FTS5 query matches: the number, and where each of its first phrases begins."""
        columns = "".join(f", positions(tokens, {phrase})" for phrase in range(phrases))
        where = "tokens MATCH ?" + (" AND rowid >= ? AND rowid < ?" if rows != EVERY else "")
        for number, *packed in self._connection.execute(
            f"SELECT rowid{columns} FROM tokens WHERE {where} ORDER BY rowid {'DESC' if newest else 'ASC'}",
            (query, *(rows if rows != EVERY else ())),
        ):
            yield number, *(array("I", one) for one in packed)


def _sure(
    chunks: Mapping[int, Chunk], number: int, span: Span, terms: Iterable[tuple[Term, bytes | None]], grade: int = 0
) -> Found[int]:
    """A match with its confidence.

    Args:
        chunks: rows that hold it.
        terms: each with its bytes as an alternative, if it can be only one word.
        grade: no reading that matches has a lower one.
    """
    lowest = 1000
    base = number << 32
    for (term, alternative), place in zip(terms, span, strict=True):
        at = place % CHUNK
        chunk = chunks[base + place - at]
        recognized = grade and chunk.likeliest < grade
        confidence = chunk.word_confidence(at) if recognized else chunk.confidence(term, at, alternative)
        if confidence < lowest:
            lowest = confidence
    return Found(number, span[0], span[-1], lowest)


def _may_overlap(
    chunks: Mapping[int, Chunk], number: int, start: int, alternatives: Sequence[bytes], grade: int
) -> bool:
    """Whether an earlier match of a phrase of different words may reach the one that begins at a position.

    Then that position has another of the words as a reading too, and one before it the first.
    """
    at = start % CHUNK
    chunk = chunks[(number << 32) + start - at]
    if not chunk.is_several(at, alternatives, recognized=chunk.likeliest < grade):
        return False
    return any(before > at or chunk.has(at - before, alternatives[0]) for before in range(1, len(alternatives)))


def _batches(matches: Iterable[Matches]) -> Iterator[list[Matches]]:
    """As many recordings as have BATCH matches."""
    some: list[Matches] = []
    size = 0
    for one in matches:
        some.append(one)
        size += len(one[1])
        if size >= BATCH:
            yield some
            some, size = [], 0
    if some:
        yield some
