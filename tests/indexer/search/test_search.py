"""Contract of searching: every store returns the hits of a scan through all words, as ``match.py`` defines them."""

from __future__ import annotations

import os
import random
import unicodedata
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
from indexer.matching.grades import VARIANT
from indexer.sqlite.word_blocks import BLOCK_WORDS
from indexer.types import Count, Filter, Hit, Location, Order, Phrase, Query, Recording, Term
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

    def matches(self, query: Query) -> list[match.Match[int]]:
        """All hits; a recording's number is its position in the order of addition."""
        passes = filters.passes(query.filter)
        find = cache(match.find)
        matches = []
        for number, (recording, words) in enumerate(self.content.values()):
            times = [(round(1000 * word.start), round(1000 * word.end)) for word in words]

            def near(ends: tuple[int, int], wanted: Phrase, words: Any = words, times: Any = times) -> bool:
                (start, _), (_, end) = times[ends[0]], times[ends[1]]
                return any(
                    query.within is None
                    or max(times[span[0]][0] - end, start - times[span[-1]][1]) <= round(1000 * query.within)
                    for span in find(words, wanted)
                )

            spans: dict[tuple[int, int], int] = {}
            for wanted in query.sought if passes(recording) else ():
                for span in find(words, wanted):
                    confidence = match.confidence(words, wanted, span)
                    if wanted not in query.phrases:
                        confidence -= VARIANT
                    ends = span[0], span[-1]
                    spans[ends] = max(confidence, spans.get(ends, confidence))
            for ends, confidence in spans.items():
                together = all(any(near(ends, condition) for condition in group) for group in query.together)
                if together and not any(near(ends, condition) for condition in query.without):
                    matches.append(match.Match(number, *ends, confidence))
        return matches

    def pages(self, query: Query, limit: int, matches: list[match.Match[int]]) -> list[list[Hit]]:
        """Expected pages of ``search``."""
        recordings = list(self.content.values())

        def by_grade(candidate: match.Match[int]) -> tuple[int, ...]:
            edges = [edge - (VARIANT if candidate.confidence < 0 else 0) for edge in (500, 700, 850, 950)]
            grade = sum(candidate.confidence >= edge for edge in edges) - 5 * (candidate.confidence < 0)
            return -grade, -candidate.recording, candidate.first, candidate.last

        def by_rank(candidate: match.Match[int]) -> tuple[int | str, ...]:
            recording = recordings[candidate.recording][0]
            modified = recording.locations[0].modified_ns
            keys = {"confidence": -candidate.confidence, "time": modified, "newest": -modified, "name": 0}
            key = keys[query.order]
            return key, recording.path, recording.id, candidate.first, candidate.last

        matches = sorted(matches, key=by_grade)
        most = max(match.MAX_RANKED, limit) if query.order == "confidence" else len(matches) + 1
        blocks = [sorted(matches[start : start + most], key=by_rank) for start in range(0, len(matches), most)]
        parts = [block[start : start + limit] for block in blocks for start in range(0, len(block), limit)]
        return [
            [match.build_hit(recordings[hit.recording][0], hit, recordings[hit.recording][1], query) for hit in part]
            for part in parts
        ]

    def counts(self, matches: list[match.Match[int]]) -> list[Count]:
        recordings = [recording for recording, _ in self.content.values()]
        counts = Counter(hit.recording for hit in matches)
        ordered = sorted(counts, key=lambda number: (-counts[number], recordings[number].path, recordings[number].id))
        return [Count(recordings[number], counts[number]) for number in ordered]


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
    also = chance.choice([(), (), ("/r/b", "/**/[3-9]*")])
    return Filter(tuple(paths[: chance.choice([0, 1, 2])]), chance.choice(since), chance.choice(until), and_paths=also)


def any_query(chance: random.Random) -> Query:
    kind = chance.choice(["plain", "filtered", "conditions", "all"])
    query = Query(tuple(any_phrase(chance) for _ in range(chance.choice([1, 1, 2, 3]))))
    if kind in ("conditions", "all"):
        query = replace(
            query,
            together=tuple(
                tuple(any_phrase(chance, [1, 2, 2, 3]) for _ in range(chance.choice([1, 1, 2])))
                for _ in range(chance.choice([0, 1, 1, 1, 2]))
            ),
            without=tuple(any_phrase(chance, [2, 3, 4]) for _ in range(chance.choice([0, 0, 1, 2]))),
            within=chance.choice([None, 0.0, 0.3, 1.0, 1.001, 8.0]),
        )
    if kind in ("filtered", "all"):
        query = replace(query, filter=any_filter(chance))
    if chance.random() < 0.4:
        query = replace(query, variants=tuple(any_phrase(chance) for _ in range(chance.choice([1, 2]))))
    return replace(query, order=chance.choice(["confidence", "confidence", "time", "time", "newest", "name"]))


def any_recording(chance: random.Random, name: int) -> Recording:
    """A recording with one of few paths and times: many are equal."""
    locations = {
        path: Location(path, 1, chance.randint(1, 9) * SECOND)
        for path in (f"/r/{chance.choice('ab')}/{chance.randrange(9)}.ogg" for _ in range(chance.choice([1, 1, 3])))
    }
    return Recording(f"id{name:03}", tuple(locations[path] for path in sorted(locations)), 60.0, "model", "2024-05-01")


def test_hits_equal_those_of_a_scan(url: str, babble: Babble, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(11)
    library = Library()
    monkeypatch.setattr("indexer.sqlite.lexicon.MIN_COMMON", 700)  # reached in the middle of the library
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
            recording = any_recording(chance, number % 20)
            vocabulary = VOCABULARY if number % 3 else VOCABULARY[:2]
            words = babble(chance, chance.choice(lengths), vocabulary, alternatives=number % 4 > 0)
            index.add(recording, words)
            library.add(recording, words)
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
            matches = library.matches(query)
            for limit in (chance.choice([1, 3, 10]), chance.choice([40, 40, 300, 5000])):
                expected = library.pages(query, limit, matches)[:8]
                for number, page in enumerate(pages(index, query, limit)):
                    assert page == expected[number], (query, limit, number)
                    seen[query.order] += len(page)
                    if number == 7:
                        break
                else:
                    assert len(expected) == number + 1 if expected else not index.search(query, limit).hits
                seen["pages"] += len(expected)
            assert index.count(query) == library.counts(matches), query
            for condition, given in (
                ("together", query.together),
                ("without", query.without),
                ("variants", query.variants),
                ("within", query.within),
            ):
                seen[condition] += bool(matches and given)
            seen["filter"] += bool(matches and query.filter != Filter())
    assert min(seen["confidence"], seen["time"]) > 500, seen
    assert min(seen[condition] for condition in ("together", "without", "within", "filter", "variants")) > 1, seen


@pytest.mark.parametrize(
    ("order", "most"), [("confidence", 6), ("confidence", 1000), ("time", 6), ("newest", 6), ("name", 6)]
)
def test_pages_contain_each_remaining_hit_once(
    url: str, order: Order, most: int, babble: Babble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recordings are added, removed and replaced between pages."""
    monkeypatch.setattr(match, "MAX_RANKED", most)
    chance = random.Random(3)
    library = Library()
    with open_index(url, create=True) as index:
        for name in range(16):
            recording, words = any_recording(chance, name), babble(chance, 9, ["a", "b"])
            index.add(recording, words)
            library.add(recording, words)
        query = Query((phrase("a"),), order=order)
        staying = {name for name in library.content if int(name[2:]) % 2}
        wanted = Counter(
            hit
            for page in library.pages(query, 1000, library.matches(query))
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


def test_conditions_and_distances(url: str, recording: MakeRecording) -> None:
    """Known answers on both sides of every limit."""
    timed = [
        ("x", 0, 500),
        ("a", 1500, 2000),
        ("y", 2001, 2500),
        ("a", 9000, 9500),
        ("b", 9400, 9600),
        ("z", 20000, 20100),
    ]
    words = [Word(text, start / 1000, end / 1000, 0.9) for text, start, end in timed]
    a, b, x, y, z = map(phrase, "abxyz")
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        index.add(recording(2), [Word("a", 1.0, 2.0, 0.9)])

        def starts(query: Query) -> list[float]:
            assert sum(count.hits for count in index.count(query)) == len(index.search(query, 9).hits)
            return [hit.start for hit in index.search(query, 9).hits]

        assert starts(Query((a,))) == [1.5, 9.0, 1.0]
        assert starts(Query((a,), together=((z,),))) == [1.5, 9.0]
        assert starts(Query((a,), without=(z,))) == [1.0]
        assert starts(Query((a,), together=((x,), (z,)), without=(phrase("q"),))) == [1.5, 9.0]
        assert starts(Query((a,), together=((x,),), within=1.0)) == [1.5]
        assert starts(Query((a,), together=((x,),), within=0.999)) == []
        assert starts(Query((a,), together=((y,),), within=0.001)) == [1.5]
        assert starts(Query((a,), together=((y,),), within=0.0)) == []
        assert starts(Query((a,), together=((b,),), within=0.0)) == [9.0]
        assert starts(Query((a,), without=(b,), within=0.0)) == [1.5, 1.0]
        assert starts(Query((a,), together=((b,),), without=(x,), within=8.4)) == [9.0]
        assert starts(Query((a,), without=(a,))) == []
        assert starts(Query((a,), together=((phrase("q"), b),))) == [1.5, 9.0]
        assert starts(Query((a,), together=((y, b), (x,)), within=8.0)) == [1.5]
        assert starts(Query((b,), variants=(a,))) == [9.4, 1.5, 9.0, 1.0]
        assert starts(Query((b,), variants=(a, b), together=((z,),))) == [9.4, 1.5, 9.0]
        assert starts(Query((b,), variants=(a,), order="time")) == [1.5, 9.0, 9.4, 1.0]
        assert [hit.variant for hit in index.search(Query((b,), variants=(a,)), 9).hits] == [False, True, True, True]
        assert starts(Query((a,), without=(x, a), within=0.0)) == []
        assert starts(Query((a, b), together=((a,),), without=(x, phrase("a b")), within=1.0)) == [1.0]


def test_filter_applies_to_a_single_location(url: str, spoken: MakeWords) -> None:
    """Path and time are of the same location; a path that is not Unicode is found too."""
    strange = b"/r/caf\xe9/x.ogg".decode(errors="surrogateescape")
    locations = Location("/a/old.ogg", 1, 5), Location("/b/new.ogg", 1, 50), Location(strange, 1, 500)
    with open_index(url, create=True) as index:
        index.add(Recording("id", locations, 1.0, "model", "now"), spoken("hello"))

        def matches(*paths: str, since: int | None = None, until: int | None = None) -> bool:
            query = Query((phrase("hello"),), filter=Filter(paths, since, until))
            assert bool(index.count(query)) == bool(index.search(query, 1).hits)
            return bool(index.count(query))

        assert matches("/a")
        assert not matches("/a", since=6)
        assert matches("/a", "/b", since=6)
        assert matches("/b/*.ogg", since=50, until=51)
        assert not matches("/b/*.ogg", until=50)
        assert matches("/r/caf?/*", since=500)
        assert matches(strange.removesuffix("/x.ogg"))
        assert not matches("/r/cafe", "/ab")


def test_names_are_found_in_any_normalization(url: str, spoken: MakeWords) -> None:
    """Two files whose names differ only in normalization are two recordings, and a filter matches both."""
    letters = "Müller", "Über", "Ёлка", "がぎ", "각", "Ǎ̧", "שּׁ", "फ़िल्म"
    names = [unicodedata.normalize("NFC", f"/é/{letter} [x]/a{letter}.ogg") for letter in letters]
    with open_index(url, create=True) as index:
        for name in names:
            for path, identity in ((name, "c"), (unicodedata.normalize("NFD", name), "d")):
                location = Location(path, 1, 1)
                index.add(Recording(f"{identity}{names.index(name)}", (location,), 1.0, "model", "now"), spoken("hi"))
        for number, name in enumerate(names):
            folder, file = name.rsplit("/", 1)
            nfd = unicodedata.normalize("NFD", name)
            mixed = f"{folder}/{unicodedata.normalize('NFD', file)}"
            globs = f"{folder.split(' ')[0]}*/*", f"/?/*/{file}"
            for path in (*map(filters.exactly, (name, nfd, mixed, folder)), *globs):
                query = Query((phrase("hi"),), filter=Filter((path,)))
                found = {hit.recording.id: hit.recording.path for hit in index.search(query, 99).hits}
                assert found == {f"c{number}": name, f"d{number}": nfd}, path
                assert len(index.count(query)) == 2
            one = Query((phrase("hi"),), filter=Filter(ids=(f"d{number}",)))
            assert [hit.recording.path for hit in index.search(one, 99).hits] == [nfd]
        assert not index.search(Query((phrase("hi"),), filter=Filter(("/e",))), 1).hits


def test_strange_names_are_kept_and_found(url: str, spoken: MakeWords) -> None:
    """Every name that a file system allows: line breaks, escapes, marks of direction, wildcards, bytes, 255 of them."""
    names = [
        "two\nlines\r",
        "\x1b[31m",
        "abc\u202egnp",
        "ö" * 127,
        "-rf --help",
        "*?[a]",
        "hex:00",
        "\\",
        '"',
        "a b",
        ".",
    ]
    names += [os.fsdecode(b"caf\xe9\xff"), "\x7f\x9b", "\u2028", "𝄞", " ", "\ufeff", "%20", "a'b;--"]
    paths = {str(n): f"/talks/{name}/{name}.wav" for n, name in enumerate(names)}
    with open_index(url, create=True) as index:
        for identity, path in paths.items():
            index.add(Recording(identity, (Location(path, 1, 1),), 1.0, "model", "now"), spoken("hi"))
        assert {recording.id: recording.path for recording in index.recordings()} == paths
        for identity, path in paths.items():
            for wanted in (path, path.rpartition("/")[0]):
                query = Query((phrase("hi"),), filter=Filter((filters.exactly(wanted),)))
                assert [hit.recording.id for hit in index.search(query, 99).hits] == [identity], wanted


def test_invalid_cursors_are_refused(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
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
