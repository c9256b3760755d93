"""Contract of searching: every store returns the hits of a scan through all words, as ``match.py`` defines them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from audiosearch.errors import QueryError
from audiosearch.types import Word
from indexer.elastic import passages
from indexer.elastic.client import Snapshot
from indexer.index import Index, open_index
from indexer.matching import filters, match
from indexer.sqlite.word_blocks import BLOCK_WORDS
from indexer.types import Count, Filter, Hit, Location, Phrase, Query, Recording, Term
from indexer.word_codec import stored

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]
Babble = Callable[..., list[Word]]

VOCABULARY = ["a", "ab", "abc", "b", "ba", "the", "they", "then", "o'neil", "and"]
SECOND = 1_000_000_000


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


@dataclass
class Library:
    """Recordings in the order in which they were added, searched word by word."""

    content: dict[str, tuple[Recording, tuple[Word, ...]]] = field(default_factory=dict)

    def add(self, recording: Recording, words: Sequence[Word]) -> None:
        self.content.pop(recording.id, None)
        self.content[recording.id] = recording, stored(words)

    def found(self, query: Query) -> list[match.Match[int]]:
        """All hits; a recording's number is its position in the order of addition."""
        passes = filters.passes(query.filter)
        find = cache(match.find)
        found = []
        for number, (recording, words) in enumerate(self.content.values()):
            times = [(round(1000 * word.start), round(1000 * word.end)) for word in words]

            def near(one: tuple[int, int], wanted: Phrase, words: Any = words, times: Any = times) -> bool:
                (start, _), (_, end) = times[one[0]], times[one[1]]
                return any(
                    query.within is None
                    or max(times[other[0]][0] - end, start - times[other[-1]][1]) <= round(1000 * query.within)
                    for other in find(words, wanted)
                )

            spans: dict[tuple[int, int], int] = {}
            for one in query.phrases if passes(recording) else ():
                for span in find(words, one):
                    confidence = match.confidence(words, one, span)
                    ends = span[0], span[-1]
                    spans[ends] = max(confidence, spans.get(ends, 0))
            for ends, confidence in spans.items():
                together = all(near(ends, other) for other in query.together)
                if together and not any(near(ends, other) for other in query.without):
                    found.append(match.Match(number, *ends, confidence))
        return found

    def pages(self, query: Query, limit: int, found: list[match.Match[int]]) -> list[list[Hit]]:
        """What ``search`` must give, page by page."""
        recordings = list(self.content.values())

        def choice(one: match.Match[int]) -> tuple[int, ...]:
            grade = sum(one.confidence >= edge for edge in (500, 700, 850, 950))
            return -grade, -one.recording, one.first, one.last

        def place(one: match.Match[int]) -> tuple[int | str, ...]:
            recording = recordings[one.recording][0]
            key = -one.confidence if query.order == "confidence" else recording.locations[0].modified_ns
            return key, recording.path, recording.id, one.first, one.last

        found = sorted(found, key=choice)
        most = max(match.MAX_RANKED, limit) if query.order == "confidence" else len(found) + 1
        blocks = [sorted(found[start : start + most], key=place) for start in range(0, len(found), most)]
        parts = [block[start : start + limit] for block in blocks for start in range(0, len(block), limit)]
        return [
            [
                match.build_hit(recordings[one.recording][0], one, recordings[one.recording][1], query.phrases)
                for one in part
            ]
            for part in parts
        ]

    def counts(self, found: list[match.Match[int]]) -> list[Count]:
        recordings = [recording for recording, _ in self.content.values()]
        counts = Counter(one.recording for one in found)
        ordered = sorted(counts, key=lambda one: (-counts[one], recordings[one].path, recordings[one].id))
        return [Count(recordings[one], counts[one]) for one in ordered]


def pages(index: Index, query: Query, limit: int) -> Iterator[list[Hit]]:
    """Page by page; a search without hits has none."""
    page = index.search(query, limit)
    while page.hits:
        yield list(page.hits)
        if page.after is None:
            return
        page = index.search(query, limit, page.after)
    assert page.after is None


def any_phrase(chance: random.Random, lengths: Sequence[int] = (1, 2, 2, 3, 5)) -> Phrase:
    def term() -> Term:
        text = chance.choice(VOCABULARY)
        if len(text) > 1 and chance.random() < 0.3:
            return Term(text[: chance.randint(2, len(text))], prefix=True)
        return Term(text)

    return Phrase(tuple(term() for _ in range(chance.choice(lengths))), chance.choice([0, 0, 0, 1, 2, 7]))


def any_filter(chance: random.Random) -> Filter:
    paths = chance.sample(["/r", "/r/a", "/r/b/*", "/**/[1-5].ogg", "/r/*/[!1]*", "/r/a/1.ogg"], 2)
    since, until = [None, None, 2 * SECOND, 3 * SECOND + 1], [None, None, 5 * SECOND, 9 * SECOND]
    return Filter(tuple(paths[: chance.choice([0, 1, 2])]), chance.choice(since), chance.choice(until))


def any_query(chance: random.Random) -> Query:
    kind = chance.choice(["plain", "filtered", "conditions", "all"])
    query = Query(tuple(any_phrase(chance) for _ in range(chance.choice([1, 1, 2, 3]))))
    if kind in ("conditions", "all"):
        query = replace(
            query,
            together=tuple(any_phrase(chance, [1, 2, 2, 3]) for _ in range(chance.choice([0, 1, 1, 1, 2]))),
            without=tuple(any_phrase(chance, [2, 3, 4]) for _ in range(chance.choice([0, 0, 1, 2]))),
            within=chance.choice([None, 0.0, 0.3, 1.0, 1.001, 8.0]),
        )
    if kind in ("filtered", "all"):
        query = replace(query, filter=any_filter(chance))
    return replace(query, order=chance.choice(["confidence", "confidence", "time"]))


def any_recording(chance: random.Random, name: int) -> Recording:
    """Few paths and times, so that much is equal."""
    places = {
        path: Location(path, 1, chance.randint(1, 9) * SECOND)
        for path in (f"/r/{chance.choice('ab')}/{chance.randrange(9)}.ogg" for _ in range(chance.choice([1, 1, 3])))
    }
    return Recording(f"id{name:03}", tuple(places[path] for path in sorted(places)), 60.0, "model", "2024-05-01")


def test_answers_are_those_of_a_scan(url: str, babble: Babble, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(11)
    library = Library()
    monkeypatch.setattr("indexer.sqlite.lexicon.MIN_COMMON", 700)  # some words from the middle of the library on
    lengths = [
        0,
        1,
        3,
        17,
        BLOCK_WORDS,
        BLOCK_WORDS + 1,
        passages.STRIDE,
        passages.STRIDE + 1,
        1100,
    ]
    with open_index(url, create=True) as index:
        for number in range(26):
            one = any_recording(chance, number % 20)
            vocabulary = VOCABULARY if number % 3 else VOCABULARY[:2]
            words = babble(chance, chance.choice(lengths), vocabulary, alternatives=number % 4 > 0)
            index.add(one, words)
            library.add(one, words)
        for name in ("id003", "id009"):
            index.remove(name)
            del library.content[name]
    seen: Counter[str] = Counter()
    with open_index(url, create=False) as index:
        for trial in range(26 if url.startswith("http") else 60):
            if trial == 20:
                monkeypatch.setattr("indexer.elastic.client.PAGE", 7)
                monkeypatch.setattr("indexer.elastic.search.MAX_FIRST_PASSAGES", 3)
                monkeypatch.setattr("indexer.elastic.search.MAX_NAMED", 6)
                monkeypatch.setattr("indexer.matching.ranking.SLACK", 0)
                monkeypatch.setattr("indexer.sqlite.search.MAX_SCORED", 30)
            if trial == 23:
                monkeypatch.setattr(
                    "indexer.elastic.client.Server.snapshot", lambda server: nullcontext(Snapshot(None))
                )
            monkeypatch.setattr(match, "MAX_RANKED", chance.choice([4, 25, 1000]))
            query = any_query(chance)
            found = library.found(query)
            for limit in (chance.choice([1, 3, 10]), chance.choice([40, 40, 300, 5000])):
                expected = library.pages(query, limit, found)[:8]
                for number, page in enumerate(pages(index, query, limit)):
                    assert page == expected[number], (query, limit, number)
                    seen[query.order] += len(page)
                    if number == 7:
                        break
                else:
                    assert len(expected) == number + 1 if expected else not index.search(query, limit).hits
                seen["pages"] += len(expected)
            assert index.count(query) == library.counts(found), query
            for what, given in (("together", query.together), ("without", query.without), ("within", query.within)):
                seen[what] += bool(found and given)
            seen["filter"] += bool(found and query.filter != Filter())
    assert min(seen["confidence"], seen["time"]) > 500, seen
    assert min(seen[what] for what in ("together", "without", "within", "filter")) > 1, seen


@pytest.mark.parametrize(("order", "most"), [("confidence", 6), ("confidence", 1000), ("time", 6)])
def test_pages_miss_and_repeat_nothing_that_stays(
    url: str, order: str, most: int, babble: Babble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While recordings come, go and move between one page and the next."""
    monkeypatch.setattr(match, "MAX_RANKED", most)
    chance = random.Random(3)
    library = Library()
    with open_index(url, create=True) as index:
        for name in range(16):
            one, words = any_recording(chance, name), babble(chance, 9, ["a", "b"])
            index.add(one, words)
            library.add(one, words)
        query = Query((phrase("a"),), order="time" if order == "time" else "confidence")
        staying = {name for name in library.content if int(name[2:]) % 2}
        wanted = Counter(
            hit
            for page in library.pages(query, 1000, library.found(query))
            for hit in page
            if hit.recording.id in staying
        )
        given: list[Hit] = []
        for number, page in enumerate(pages(index, query, 4)):
            given += (hit for hit in page if hit.recording.id in staying)
            leaving = 2 * chance.randrange(8)
            if number % 3 == 0:
                index.remove(f"id{leaving:03}")
            else:
                index.add(any_recording(chance, leaving), babble(chance, 9, ["a"]))
        assert Counter(given) == wanted
        assert len(given) > 30


def test_what_is_near(url: str, recording: MakeRecording) -> None:
    """Known answers on both sides of every border."""
    said = [
        ("x", 0, 500),
        ("a", 1500, 2000),
        ("y", 2001, 2500),
        ("a", 9000, 9500),
        ("b", 9400, 9600),
        ("z", 20000, 20100),
    ]
    words = [Word(text, start / 1000, end / 1000, 0.9) for text, start, end in said]
    a, b, x, y, z = map(phrase, "abxyz")
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        index.add(recording(2), [Word("a", 1.0, 2.0, 0.9)])

        def starts(query: Query) -> list[float]:
            assert sum(count.hits for count in index.count(query)) == len(index.search(query, 9).hits)
            return [hit.start for hit in index.search(query, 9).hits]

        assert starts(Query((a,))) == [1.5, 9.0, 1.0]
        assert starts(Query((a,), together=(z,))) == [1.5, 9.0]
        assert starts(Query((a,), without=(z,))) == [1.0]
        assert starts(Query((a,), together=(x, z), without=(phrase("q"),))) == [1.5, 9.0]
        assert starts(Query((a,), together=(x,), within=1.0)) == [1.5]
        assert starts(Query((a,), together=(x,), within=0.999)) == []
        assert starts(Query((a,), together=(y,), within=0.001)) == [1.5]
        assert starts(Query((a,), together=(y,), within=0.0)) == []
        assert starts(Query((a,), together=(b,), within=0.0)) == [9.0]
        assert starts(Query((a,), without=(b,), within=0.0)) == [1.5, 1.0]
        assert starts(Query((a,), together=(b,), without=(x,), within=8.4)) == [9.0]
        assert starts(Query((a,), without=(a,))) == []
        assert starts(Query((a,), without=(x, a), within=0.0)) == []
        assert starts(Query((a, b), together=(a,), without=(x, phrase("a b")), within=1.0)) == [1.0]


def test_a_filter_is_true_of_one_place(url: str, spoken: MakeWords) -> None:
    """Not the path of one place with the time of another; nor is a name that is no Unicode lost."""
    strange = b"/r/caf\xe9/x.ogg".decode(errors="surrogateescape")
    places = Location("/a/old.ogg", 1, 5), Location("/b/new.ogg", 1, 50), Location(strange, 1, 500)
    with open_index(url, create=True) as index:
        index.add(Recording("id", places, 1.0, "model", "now"), spoken("hello"))

        def finds(*paths: str, since: int | None = None, until: int | None = None) -> bool:
            query = Query((phrase("hello"),), filter=Filter(paths, since, until))
            assert bool(index.count(query)) == bool(index.search(query, 1).hits)
            return bool(index.count(query))

        assert finds("/a")
        assert not finds("/a", since=6)
        assert finds("/a", "/b", since=6)
        assert finds("/b/*.ogg", since=50, until=51)
        assert not finds("/b/*.ogg", until=50)
        assert finds("/r/caf?/*", since=500)
        assert finds(strange.removesuffix("/x.ogg"))
        assert not finds("/r/cafe", "/ab")


def test_an_after_that_no_page_gave(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    query = Query((phrase("a"),))
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("a b a b a"))
        page = index.search(query, 1)
        assert page.after is not None
        assert index.search(query, 0, page.after).hits == ()
        for bad in ("", "?", "é", "WyJ", "bm8", page.after[:-5], page.after + "AAAA", "WzEsMl0", "x" * 100_001):
            with pytest.raises(QueryError, match="is not a cursor") as error:
                index.search(query, 1, bad)
            assert len(str(error.value)) < 200
        with pytest.raises(QueryError, match="order"):
            index.search(replace(query, order="time"), 1, page.after)
        index.remove("id001")
        assert index.search(query, 1, page.after).hits == ()
