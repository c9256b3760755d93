"""Search by words, by sound, or both.

*auto*: where words find ENOUGH hits, those are the hits. Else hits by sound come among them, in the one order, but for
those whose place words have found too: of two hits that overlap the one by words is shown, with the greater confidence.
Guesses, which are hits by sound and those by an alternative of a word, are shown if they are SURE.

What sound cannot look for (slop, a * amid a phrase) is looked for among words alone.

The pages of hits by sound go on after the place of the last hit. All hits are looked for again, so that what is added
or removed meanwhile moves nothing else.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from audiosearch.errors import QueryError
from indexer.index import Index
from indexer.matching import match
from indexer.search import spoken_terms as sound
from indexer.types import Count, Hit, Order, Page, Query

Mode = Literal["words", "sound", "auto"]
"""Where one looks: among the words, in the emissions, or in these too where words find little."""

ENOUGH = 100
"""Hits by words with which auto does without sound."""

SURE = 0.6
"""Confidence from which on auto shows guesses: it is then right as often as an exact search in the best transcripts
(``audiosearch evaluate --search``).
"""

PAGES_READ = 20
"""Pages that are read for one of hits that are sure enough."""

Place = tuple[float, str, str, float, float]
"""What a hit's place in the order depends on."""


def search(
    index: Index, query: Query, mode: Mode, limit: int, after: str | None = None, *, least: float | None = None
) -> Page:
    """The first ``limit`` hits, or the first after those of the page that gave ``after``.

    Args:
        least: confidence of guesses in auto, of all hits by sound; SURE and ``sound.LEAST`` unless given.

    Raises:
        QueryError: it cannot be looked for in this mode, or no page of this mode and order gave ``after``.
        StoreError: the store fails.
    """
    last = None if after is None else _read(after)
    if mode == "words":
        if last is not None:
            raise QueryError("the page to go on after has hits by sound: use --mode auto or sound, or begin again")
        return index.search(query, limit, after)
    if mode == "sound":
        if after is not None and last is None:
            raise QueryError("the page to go on after has hits by words: use --mode auto or words, or begin again")
        _check(index)
        return _page(sound.find(index, query, sound.LEAST if least is None else least), query.order, limit, last)
    least = SURE if least is None else least
    hits = None if after is not None and last is None else _all(index, query)
    if hits is None:
        return _words(index, query, limit, after, least)
    return _page([hit for hit in hits if shown(hit, least)], query.order, limit, last)


def sure(index: Index, query: Query, mode: Mode, limit: int, after: str | None, confidence: float | None) -> Page:
    """The next page as ``search`` gives it, of hits of at least that confidence, guesses too; of all without one.

    A page without hits may come where PAGES_READ have none, and there is more to read.
    """
    if confidence is None:
        return search(index, query, mode, limit, after)
    least = max(confidence, sound.LEAST)
    for _ in range(PAGES_READ):
        page = search(index, query, mode, limit, after, least=least)
        hits = tuple(hit for hit in page.hits if hit.confidence >= confidence)
        after = page.after
        if query.order == "confidence" and page.hits:
            last, wanted = (match.grade(round(1000 * value)) for value in (page.hits[-1].confidence, confidence))
            if last < wanted:  # what follows is of no better grade
                return Page(hits, None)
        if hits or after is None:
            break
    return Page(hits, after)


def shown(hit: Hit, least: float = SURE) -> bool:
    """Whether auto shows a hit: guesses must be so sure."""
    return hit.confidence >= least or not is_guess(hit)


def is_guess(hit: Hit) -> bool:
    """Whether the best transcript says something else there: found by sound, or by an alternative of a word."""
    return hit.way == "sound" or any(word.text in {other.text for other in word.alternatives} for word in hit.words)


def count(index: Index, query: Query, mode: Mode) -> list[Count]:
    """Recordings with hits, and how many; most hits first, then by path and id.

    Where words alone find ENOUGH, guesses count that are not shown.
    """
    if mode == "sound":
        _check(index)
    hits = None if mode == "words" else sound.find(index, query) if mode == "sound" else _all(index, query)
    if hits is None:
        return index.count(query)
    hits = [hit for hit in hits if mode == "sound" or shown(hit)]
    recordings = {hit.recording.id: hit.recording for hit in hits}
    counts = Counter(hit.recording.id for hit in hits)
    tallied = [Count(recordings[one], number) for one, number in counts.items()]
    return sorted(tallied, key=lambda one: (-one.hits, one.recording.path, one.recording.id))


def _check(index: Index) -> None:
    if not index.soundings():
        raise QueryError("the index keeps no sound: index the recordings again, without --no-sound")


def _words(index: Index, query: Query, limit: int, after: str | None, least: float) -> Page:
    """The next page of hits by words of which any is shown."""
    while True:
        page = index.search(query, limit, after)
        hits = tuple(hit for hit in page.hits if shown(hit, least))
        if hits or page.after is None:
            return Page(hits, page.after)
        after = page.after


def _all(index: Index, query: Query) -> list[Hit] | None:
    """All hits by words and sound; None where those by words are enough, or sound has nothing to say."""
    if not index.soundings():
        return None
    try:
        list(sound.texts(query.phrases))
    except QueryError:
        return None
    said = index.search(query, ENOUGH)
    if said.after is not None:
        return None
    return merge(said.hits, sound.find(index, query))


def merge(said: Iterable[Hit], heard: Iterable[Hit]) -> list[Hit]:
    """Hits by words and by sound, each place once."""
    hits = list(said)
    of: dict[str, list[int]] = {}
    for place, hit in enumerate(hits):
        of.setdefault(hit.recording.id, []).append(place)
    for hit in heard:
        same = [one for one in of.get(hit.recording.id, []) if hits[one].start < hit.end and hit.start < hits[one].end]
        for one in same:
            hits[one] = replace(hits[one], confidence=max(hits[one].confidence, hit.confidence))
        if not same:
            hits.append(hit)
    return hits


def _page(hits: Iterable[Hit], order: Order, limit: int, last: tuple[str, Place] | None) -> Page:
    if last is not None and last[0] != order:
        raise QueryError(f"the page to go on after is in the order of {last[0]}, and these hits are in that of {order}")
    places = [(_place(hit, order), hit) for hit in hits]
    left = sorted((one for one in places if last is None or one[0] > last[1]), key=lambda one: one[0])
    shown = left[: max(limit, 0)]
    after = _text(order, shown[-1][0]) if shown and len(left) > len(shown) else None
    return Page(tuple(hit for _, hit in shown), after)


def _place(hit: Hit, order: Order) -> Place:
    first = -hit.confidence if order == "confidence" else float(hit.recording.locations[0].modified_ns)
    return first, hit.recording.path, hit.recording.id, hit.start, hit.end


def _text(order: Order, place: Place) -> str:
    """A cursor as in ``cursor.py``."""
    plain = json.dumps(["sound", order, place], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _read(text: str) -> tuple[str, Place] | None:
    """The order and place of a cursor of hits by sound; None for any other text."""
    try:
        written = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        kind, order, (first, path, identity, start, end) = written
        if kind != "sound" or not isinstance(order, str) or not isinstance(path, str) or not isinstance(identity, str):
            return None
        return order, (float(first), path, identity, float(start), float(end))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
