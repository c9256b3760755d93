"""Contract of every store: recordings are returned as added, whole or not at all. Searching: ``test_search.py``."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest

from audiosearch.errors import StoreError
from audiosearch.types import Word
from indexer.elastic import passages
from indexer.index import Index, open_index
from indexer.sqlite.word_blocks import BLOCK_WORDS
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, Hit, Location, Phrase, Query, Recording, Term
from indexer.word_codec import stored

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


def find(index: Index, *phrases: Phrase, limit: int = 10) -> list[Hit]:
    return list(index.search(Query(phrases), limit).hits)


def test_recordings_are_returned_as_added(
    url: str, recording: MakeRecording, babble: Callable[[random.Random, int, list[str]], list[Word]]
) -> None:
    chance = random.Random(7)
    vocabulary = ["a", "ab", "the", "o'neil"]
    library: dict[str, tuple[Recording, tuple[Word, ...]]] = {}
    with open_index(url, create=True) as index:
        for number in range(20):
            # Paths and ids repeat; lengths are at and next to the limits of blocks and passages.
            added = recording(number % 16, path=f"/r/{chance.randrange(20)}.ogg")
            length = chance.choice(
                [
                    0,
                    1,
                    3,
                    17,
                    BLOCK_WORDS,
                    BLOCK_WORDS + 1,
                    passages.STRIDE,
                    passages.STRIDE + 1,
                    1400,
                ]
            )
            words = babble(chance, length, vocabulary)
            index.add(added, words)
            library[added.id] = added, stored(words)
        for number in (2, 9, 13):
            index.remove(f"id{number:03}")
            del library[f"id{number:03}"]
    with open_index(url, create=False) as index:
        by_path = sorted((added for added, _ in library.values()), key=lambda added: (added.path, added.id))
        assert index.recordings() == by_path
        for name, (added, kept) in library.items():
            assert index.words(name) == kept
            assert index.recording(name) == added
        assert index.recording("id002") is None
        statistics = index.statistics()
        assert statistics.recordings == len(library)
        assert statistics.words == sum(len(words) for _, words in library.values())
        assert statistics.seconds == 60.0 * len(library)
        assert statistics.bytes > 0


def test_phrases_across_blocks_and_passages(url: str, recording: MakeRecording) -> None:
    """A phrase of the maximum length is found at every position."""
    length = passages.STRIDE + MAX_TERMS + MAX_SLOP
    words = [Word(f"w{position}", float(position), position + 0.5, 1.0) for position in range(2 * length)]
    longest = MAX_TERMS + MAX_SLOP
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        for border in (BLOCK_WORDS, passages.STRIDE):
            for first in (border - longest, border - longest + 1, border - 1, border, border + 1):
                close = Phrase(tuple(Term(f"w{first + offset}") for offset in range(MAX_TERMS)))
                offsets = [*range(MAX_TERMS - 1), longest - 1]
                wide = Phrase(tuple(Term(f"w{first + offset}") for offset in offsets), MAX_SLOP)
                for wanted, span in ((close, MAX_TERMS), (wide, longest)):
                    (hit,) = find(index, wanted)
                    assert hit.words == tuple(words[first : first + span])
                    assert hit.before == tuple(words[max(first - 8, 0) : first])
                    assert hit.after == tuple(words[first + span : first + span + 8])
                    assert (hit.start, hit.end) == (float(first), first + span - 0.5)


def test_hits_of_equal_confidence_are_ordered_by_path_and_time(
    url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(url, create=True) as index:
        for number in (3, 1, 2):
            index.add(recording(number), spoken("say it and say it again"))
        index.add(recording(0), [Word("say", 0.0, 0.4, 0.90049), Word("it", 0.4, 0.8, 0.95)])
        expected = find(index, phrase("say it"), limit=100)
        assert [(hit.recording.id, hit.start) for hit in expected] == [
            ("id000", 0.0),
            *((f"id00{number}", start) for number in (1, 2, 3) for start in (0.0, 0.75)),
        ]
        for limit in range(len(expected) + 1):
            assert find(index, phrase("say it"), limit=limit) == expected[:limit]
            assert find(index, phrase("say it"), phrase("sa* it"), limit=limit) == expected[:limit]


def test_words_are_never_read_as_query_syntax(url: str, recording: MakeRecording) -> None:
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
            assert [hit.start for hit in find(index, Phrase((Term(text),)))] == [at]
        for first, second in pairwise(texts):
            for slop in (0, 1):
                (hit,) = find(index, Phrase((Term(first), Term(second)), slop))
                assert hit.text == f"{first} {second}"
        (hit,) = find(index, Phrase((Term('""', prefix=True), Term("*"))))
        assert hit.text == '"" *'


def test_recording_is_replaced_moved_and_removed(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("the old words were many " * 300))
        index.add(recording(2), spoken("the old words remain"))
        changed = Recording("id001", recording(1).locations, 12.3456, "other", "2025-01-01T00:00:00Z")
        index.add(changed, spoken("new words"))
        assert [hit.recording.id for hit in find(index, phrase("old words"))] == ["id002"]
        (hit,) = find(index, phrase("new words"))
        assert hit.recording == Recording("id001", changed.locations, 12.346, "other", "2025-01-01T00:00:00Z")

        locations = (Location("/a/copy.ogg", 5, 2**60 + 1), Location("/z/moved.ogg", 2**40, 7))
        index.relocate("id001", locations[::-1])
        assert index.recordings()[0].locations == locations
        assert find(index, phrase("new words"))[0].recording.path == "/a/copy.ogg"

        index.remove("id001")
        index.remove("id001")
        assert [remaining.id for remaining in index.recordings()] == ["id002"]
        assert find(index, phrase("new words")) == []
        assert index.similar_words("manny", 5) == []
        for call in (lambda: index.words("id001"), lambda: index.relocate("id001", locations)):
            with pytest.raises(StoreError, match="holds no recording id001"):
                call()
        index.add(recording(1), [])
        assert index.words("id001") == ()
        assert index.statistics().words == 4


def test_invalid_words_are_refused_and_change_nothing(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
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
            assert [hit.text for hit in find(index, phrase("as it was"))] == ["as it was"]
            assert find(index, phrase("something")) == []


def test_long_words_are_cut_and_strange_paths_kept(url: str, recording: MakeRecording) -> None:
    path = os.fsdecode(b"/recordings/caf\xe9 \xf0\x9f\x8e\xa7.ogg")
    with open_index(url, create=True) as index:
        index.add(recording(1, path=path), [Word("a" * 5000, 0.0, 1.0, 1.0), Word("b", 1.0, 2.0, 1.0)])
        assert index.recordings()[0].path == path
        (hit,) = find(index, Phrase((Term("a" * MAX_LETTERS), Term("b"))))
        assert (hit.recording.path, hit.words[0].text) == (path, "a" * MAX_LETTERS)
        assert len(find(index, Phrase((Term("a" * 30, prefix=True),)))) == 1


def test_similar_words(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("receive relieve deceive received the they then hat at kierkegaard receives"))
        index.add(recording(2), spoken("gone"))
        index.remove("id002")
        assert index.similar_words("recieve", 10) == ["relieve", "receive"]
        assert index.similar_words("receive", 10) == ["received", "receives", "deceive"]
        assert index.similar_words("receive", 1) == ["received"]
        assert index.similar_words("kirkegard", 10) == ["kierkegaard"]
        assert index.similar_words("thy", 10) == ["the", "they"]
        assert index.similar_words("gane", 10) == []
        assert index.similar_words("an", 10) == []


def test_missing_index_is_reported(url: str) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match=r"there is no index at .*: run `audiosearch index FOLDER` first"):
            open_index(url, create=False)
    open_index(url, create=True).close()
    open_index(url, create=False).close()
    open_index(url, create=True).close()


def test_readers_see_complete_recordings(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    """During writes a search finds either all old words or all new words of a recording."""
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

        def wait() -> None:
            for writer in writers:
                writer.join()
            done.set()

        threading.Thread(target=wait).start()
        while not done.is_set():
            hits = find(index, phrase("one fish"), phrase("two fish"), limit=10_000)
            for name in ("id000", "id001"):
                hit_texts = [hit.text for hit in hits if hit.recording.id == name]
                if hit_texts not in (["one fish"] * 300, ["two fish"] * 600):
                    problems.append((name, len(hit_texts), set(hit_texts)))
        assert problems == []
        assert index.statistics().recordings == 2
