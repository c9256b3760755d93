"""Reasons why a query has no hits, and indexed words of similar spelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from indexer.index import Index
from indexer.types import Filter, Phrase, Query, Term

MAX_SIMILAR = 3
"""Similar words per absent word."""

Reason = Literal["words", "conditions", "confidence", "order"]
"""Words that are in no transcript; conditions, a confidence, or an order of words that no recording satisfies."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reason for an empty result.

    Args:
        similar: words in no transcript → indexed words of similar spelling; only those that have some.
    """

    reason: Reason
    similar: dict[str, list[str]]


def explain(index: Index, typed: Query, query: Query, confidence: float | None) -> Explanation:
    """Explain why ``query`` has no hits of at least ``confidence``.

    Args:
        typed: the query without other readings.
    """
    absent = _absent_terms(index, typed)
    similar = {word: words for word, words in _similar(index, absent).items() if words}
    if similar:
        return Explanation("words", similar)
    is_conditional = bool(query.together or query.without or query.voices or query.filter != Filter())
    if is_conditional and index.search(Query(query.phrases), 1).hits:
        return Explanation("conditions", {})
    if confidence and index.search(query, 1).hits:
        return Explanation("confidence", {})
    if absent or all(len(phrase.terms) == 1 for phrase in typed.phrases):
        return Explanation("words", {})
    return Explanation("order", {})


def similar_words(index: Index, query: Query) -> dict[str, list[str]]:
    """Words of a query that are in no transcript → indexed words of similar spelling, nearest first."""
    return _similar(index, _absent_terms(index, query))


def _absent_terms(index: Index, query: Query) -> list[Term]:
    terms = dict.fromkeys(term for phrase in (*query.phrases, *query.required) for term in phrase.terms)
    return [term for term in terms if not index.search(Query((Phrase((term,)),)), 1).hits]


def _similar(index: Index, terms: list[Term]) -> dict[str, list[str]]:
    return {term.text: index.similar_words(term.text, MAX_SIMILAR) for term in terms if not term.prefix}
