"""The contract of every store: equal answers, which are those of a scan through all words."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest

from audiosearch.errors import StoreError
from audiosearch.types import Word
from indexer import match, passages, sqlite
from indexer.index import open_index
from indexer.packing import stored
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, Hit, Location, Phrase, Recording, Term

Library = dict[str, tuple[Recording, tuple[Word, ...]]]
MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


def scan(library: Library, phrases: list[Phrase], limit: int) -> list[Hit]:
    """What ``search`` must give."""
    found = [
        match.Found(name, span[0], span[-1], min(round(1000 * words[place].confidence) for place in span))
        for one in phrases
        for name, (_, words) in library.items()
        for span in match.find([word.text for word in words], one)
    ]
    ordered = match.best(found, limit, lambda name: (library[name][0].path, name))
    return [match.hit(library[one.recording][0], one, library[one.recording][1]) for one in ordered]


def random_phrases(chance: random.Random, vocabulary: list[str]) -> list[Phrase]:
    def term() -> Term:
        text = chance.choice(vocabulary)
        if len(text) > 1 and chance.random() < 0.3:
            return Term(text[: chance.randint(2, len(text))], prefix=True)
        return Term(text)

    return [
        Phrase(tuple(term() for _ in range(chance.choice([1, 2, 2, 3, 5]))), chance.choice([0, 0, 0, 1, 2, 7]))
        for _ in range(chance.choice([1, 1, 2, 3]))
    ]


def test_search_equals_a_scan(
    url: str,
    recording: MakeRecording,
    babble: Callable[[random.Random, int, list[str]], list[Word]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(7)
    vocabulary = ["a", "ab", "abc", "b", "ba", "the", "they", "then", "o'neil", "and"]
    library: Library = {}
    with open_index(url, create=True) as index:
        for number in range(20):
            # Some lie at one path, some ids come again, lengths end at and beside the borders of chunks and passages.
            one = recording(number % 16, path=f"/r/{chance.randrange(20)}.ogg")
            length = chance.choice(
                [0, 1, 3, 17, sqlite.CHUNK, sqlite.CHUNK + 1, passages.STRIDE, passages.STRIDE + 1, 1400]
            )
            words = babble(chance, length, vocabulary if number % 3 else vocabulary[:2])
            index.add(one, words)
            library[one.id] = one, stored(words)
        for number in (2, 9, 13):
            index.remove(f"id{number:03}")
            del library[f"id{number:03}"]
    with open_index(url, create=False) as index:
        by_path = sorted((one for one, _ in library.values()), key=lambda one: (one.path, one.id))
        assert index.recordings() == by_path
        for name, (_, words) in library.items():
            assert index.words(name) == words
        statistics = index.statistics()
        assert statistics.recordings == len(library)
        assert statistics.words == sum(len(words) for _, words in library.values())
        assert statistics.seconds == 60.0 * len(library)
        assert statistics.bytes > 0
        hits = 0
        for trial in range(36):
            if trial == 24:
                monkeypatch.setattr("indexer.elastic.PAGE", 7)
                monkeypatch.setattr("indexer.elastic.KEPT", 5)
            phrases, limit = random_phrases(chance, vocabulary), chance.choice([1, 2, 10, 50, 10_000])
            answer = index.search(phrases, limit)
            assert answer == scan(library, phrases, limit), (phrases, limit)
            hits += len(answer)
        assert hits > 500


def test_phrases_cross_every_border(url: str, recording: MakeRecording) -> None:
    """A phrase of the greatest length is found wherever it begins."""
    length = passages.STRIDE + MAX_TERMS + MAX_SLOP
    words = [Word(f"w{place}", float(place), place + 0.5, 1.0) for place in range(2 * length)]
    longest = MAX_TERMS + MAX_SLOP
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        for border in (sqlite.CHUNK, passages.STRIDE):
            for first in (border - longest, border - longest + 1, border - 1, border, border + 1):
                close = Phrase(tuple(Term(f"w{first + place}") for place in range(MAX_TERMS)))
                places = [*range(MAX_TERMS - 1), longest - 1]
                wide = Phrase(tuple(Term(f"w{first + place}") for place in places), MAX_SLOP)
                for wanted, span in ((close, MAX_TERMS), (wide, longest)):
                    (hit,) = index.search([wanted], 10)
                    assert hit.words == tuple(words[first : first + span])
                    assert hit.before == tuple(words[max(first - 8, 0) : first])
                    assert hit.after == tuple(words[first + span : first + span + 8])
                    assert (hit.start, hit.end) == (float(first), first + span - 0.5)


def test_hits_of_equal_confidence_come_by_path_and_place(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        for number in (3, 1, 2):
            index.add(recording(number), spoken("say it and say it again"))
        index.add(recording(0), [Word("say", 0.0, 0.4, 0.90049), Word("it", 0.4, 0.8, 0.95)])
        every = index.search([phrase("say it")], 100)
        assert [(hit.recording.id, hit.start) for hit in every] == [
            ("id000", 0.0),
            *((f"id00{number}", start) for number in (1, 2, 3) for start in (0.0, 0.75)),
        ]
        for limit in range(len(every) + 1):
            assert index.search([phrase("say it")], limit) == every[:limit]
            assert index.search([phrase("say it"), phrase("sa* it")], limit) == every[:limit]
        assert index.search([], 10) == []


def test_nothing_in_a_word_is_syntax(url: str, recording: MakeRecording) -> None:
    texts = [
        '"',
        '""',
        "*",
        "a*",
        "AND",
        "or",
        "NEAR(a",
        "a^",
        "-a",
        "text:a",
        "{a",
        "a:b",
        "\\",
        "%",
        "é",
        "日本",
        "'",
    ]
    with open_index(url, create=True) as index:
        index.add(recording(1), [Word(text, float(at), at + 0.5, 1.0) for at, text in enumerate(texts)])
        for at, text in enumerate(texts):
            assert [hit.start for hit in index.search([Phrase((Term(text),))], 10)] == [at]
        for one, other in pairwise(texts):
            for slop in (0, 1):
                (hit,) = index.search([Phrase((Term(one), Term(other)), slop)], 10)
                assert hit.text == f"{one} {other}"
        (hit,) = index.search([Phrase((Term('""', prefix=True), Term("*")))], 10)
        assert hit.text == '"" *'


def test_a_recording_is_replaced_moved_and_removed(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("the old words were many " * 300))
        index.add(recording(2), spoken("the old words remain"))
        changed = Recording("id001", recording(1).locations, 12.3456, "other", "2025-01-01T00:00:00Z")
        index.add(changed, spoken("new words"))
        assert [hit.recording.id for hit in index.search([phrase("old words")], 10)] == ["id002"]
        (hit,) = index.search([phrase("new words")], 10)
        assert hit.recording == Recording("id001", changed.locations, 12.346, "other", "2025-01-01T00:00:00Z")

        places = (Location("/a/copy.ogg", 5, 2**60 + 1), Location("/z/moved.ogg", 2**40, 7))
        index.relocate("id001", places[::-1])
        assert index.recordings()[0].locations == places
        assert index.search([phrase("new words")], 10)[0].recording.path == "/a/copy.ogg"

        index.remove("id001")
        index.remove("id001")
        assert [one.id for one in index.recordings()] == ["id002"]
        assert index.search([phrase("new words")], 10) == []
        assert index.near("manny", 5) == []
        for call in (lambda: index.words("id001"), lambda: index.relocate("id001", places)):
            with pytest.raises(StoreError, match="holds no recording id001"):
                call()
        index.add(recording(1), [])
        assert index.words("id001") == ()
        assert index.statistics().words == 4


def test_words_that_are_none_leave_what_was_stored(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("as it was"))
        for bad in (
            Word("", 1.0, 2.0, 0.5),
            Word("two words", 1.0, 2.0, 0.5),
            Word("nul\0", 1.0, 2.0, 0.5),
            Word("backwards", 2.0, 1.0, 0.5),
            Word("early", -1.0, 1.0, 0.5),
            Word("sure", 1.0, 2.0, 1.5),
            Word("unsure", 1.0, 2.0, float("nan")),
        ):
            with pytest.raises(ValueError, match=r"word"):
                index.add(recording(1), [*spoken("something else " * 500), bad])
            assert [hit.text for hit in index.search([phrase("as it was")], 10)] == ["as it was"]
            assert index.search([phrase("something")], 10) == []


def test_long_words_are_cut_and_strange_paths_kept(url: str, recording: MakeRecording) -> None:
    path = os.fsdecode(b"/recordings/caf\xe9 \xf0\x9f\x8e\xa7.ogg")
    with open_index(url, create=True) as index:
        index.add(recording(1, path=path), [Word("a" * 5000, 0.0, 1.0, 1.0), Word("b", 1.0, 2.0, 1.0)])
        assert index.recordings()[0].path == path
        (hit,) = index.search([Phrase((Term("a" * MAX_LETTERS), Term("b")))], 10)
        assert (hit.recording.path, hit.words[0].text) == (path, "a" * MAX_LETTERS)
        assert len(index.search([Phrase((Term("a" * 30, prefix=True),))], 10)) == 1


def test_near_words(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("receive relieve deceive received the they then hat at kierkegaard receives"))
        index.add(recording(2), spoken("gone"))
        index.remove("id002")
        assert index.near("recieve", 10) == ["relieve", "receive"]
        assert index.near("receive", 10) == ["received", "receives", "deceive"]
        assert index.near("receive", 1) == ["received"]
        assert index.near("kirkegard", 10) == ["kierkegaard"]
        assert index.near("thy", 10) == ["the", "they"]
        assert index.near("gane", 10) == []
        assert index.near("an", 10) == []


def test_there_must_be_an_index_to_ask(url: str) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match=r"there is no index at .*: run `audiosearch index FOLDER` first"):
            open_index(url, create=False)
    open_index(url, create=True).close()
    open_index(url, create=False).close()
    open_index(url, create=True).close()


def test_readers_see_all_of_one_recording(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    """While others write, a search finds the words of before or those of after, and neither half nor none of them."""
    texts = ["one fish " * 300, "two fish " * 600]
    problems: list[object] = []
    done = threading.Event()

    def write(number: int) -> None:
        try:
            with open_index(url, create=True) as index:
                for turn in range(4):
                    index.add(recording(number), spoken(texts[turn % 2]))
        except Exception as error:  # noqa: BLE001 - shown below
            problems.append(error)

    with open_index(url, create=True) as index:
        index.add(recording(0), spoken(texts[1]))
        index.add(recording(1), spoken(texts[1]))
        writers = [threading.Thread(target=write, args=(number,)) for number in (0, 1)]
        for writer in writers:
            writer.start()
        threading.Thread(target=lambda: [writer.join() for writer in writers] and done.set()).start()
        while not done.is_set():
            hits = index.search([phrase("one fish"), phrase("two fish")], 10_000)
            for name in ("id000", "id001"):
                said = [hit.text for hit in hits if hit.recording.id == name]
                if said not in (["one fish"] * 300, ["two fish"] * 600):
                    problems.append((name, len(said), set(said)))
        assert problems == []
        assert index.statistics().recordings == 2
