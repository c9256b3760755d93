from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audiosearch.types import Word
from indexer.evaluation.evaluate import EVERY, Quality, ask, assess, every_hit
from indexer.evaluation.queries import HARD, IN, MISSPELLED, OUT, Asked, draw, look_up
from indexer.index import open_index
from indexer.search.engine import MIN_CONFIDENCE, is_shown
from indexer.types import Hit, Location, Query, Recording

VOCABULARY = frozenset(["the", "keeper", "of", "light", "house", "went", "out", "to", "sea"])


def spoken(text: str, confidence: float = 1.0) -> tuple[Word, ...]:
    """A word a second, half a second long."""
    return tuple(Word(word, float(place), place + 0.5, confidence) for place, word in enumerate(text.split()))


SAID = {
    "one": spoken("the keeper of the lighthouse went out"),
    "two": spoken("keeper kierkegaard went to sea"),
}
HEARD = {
    "one": spoken("the keeper of the light house out", 0.8),
    "two": spoken("keep her care went to see", 0.4),
}


def asked(*texts: str) -> dict[str, Asked]:
    return {one.text: one for one in look_up(texts, SAID, HEARD, VOCABULARY)}


def test_a_query_is_looked_up_in_what_was_said_and_heard() -> None:
    one = asked("the keeper")["the keeper"]
    assert [(place.recording, place.start, place.end) for place in one.occurrences] == [("one", 0.0, 1.5)]
    assert [(hit.recording, hit.confidence) for hit in one.exact] == [("one", 0.8)]
    assert asked("keep*")["keep*"].occurrences[1].recording == "two"
    assert asked("Keeper!", "keeper").keys() == {"Keeper!"}


def test_classes_of_queries() -> None:
    found = asked("keeper", "kierkegaard", "went", "the keeper of the", "sea", "light house")
    classes = {text: one.classes for text, one in found.items()}
    assert classes == {
        "keeper": ("1 word", "said 2 to 9 times", IN),  # right at one place of two
        "kierkegaard": ("1 word", "said once", OUT, HARD),
        "went": ("1 word", "said 2 to 9 times", IN, MISSPELLED, HARD),  # not heard, and heard a second too late
        "the keeper of the": ("4 words", "said once", IN),
        "sea": ("1 word", "said once", IN, MISSPELLED, HARD),
        "light house": ("2 words", IN),
    }


def test_drawn_queries_are_said_and_always_the_same() -> None:
    drawn = draw(SAID, VOCABULARY, 2)
    assert drawn == draw(dict(reversed(SAID.items())), VOCABULARY, 2)
    assert len(set(drawn)) == len(drawn)
    unknown = {text for text in drawn if not set(text.split()) <= VOCABULARY}
    assert unknown == {"kierkegaard", "lighthouse"}
    assert all(max(map(len, text.split())) >= 4 and len(text.split()) <= 4 for text in drawn)
    for one in look_up(drawn, SAID, HEARD, VOCABULARY):
        assert one.occurrences, one.text
    everything = draw(SAID, None, 1000)
    assert {"went", "keeper kierkegaard", "keeper of the lighthouse"} <= set(everything)


def hit(name: str, start: float, confidence: float) -> Hit:
    recording = Recording(name, (Location(f"/{name}", 1, 1),), 100.0, "m", "2024-05-01T00:00:00Z")
    return Hit(recording, start, start + 0.5, confidence, (), (), ())


def assessed(hits: dict[str, list[Hit]], shown: Callable[[Hit], bool] = lambda hit: True) -> Quality:
    def search(query: Query) -> list[Hit]:
        return hits.get(" ".join(term.text for term in query.phrases[0].terms), [])

    outcomes = ask(search, asked("keeper", "kierkegaard", "out of").values(), frozenset(SAID), shown)
    return assess(outcomes, 1002.0)


def test_quality_worked_out_by_hand() -> None:
    quality = assessed(
        {
            "keeper": [hit("one", 1.1, 0.9), hit("two", 3.0, 0.5), hit("elsewhere", 0.0, 0.9)],
            "kierkegaard": [hit("two", 1.2, 0.7)],
            "out of": [hit("one", 6.0, 0.2)],
        }
    )
    everything = quality.classes[EVERY]
    assert (everything.queries, everything.said) == (3, 2)
    assert (everything.rates.hits, everything.rates.correct, everything.rates.occurrences) == (4, 2, 3)
    assert everything.atwv == pytest.approx((0.5 - 999.9 / 1000 + 1) / 2)
    assert (everything.mtwv, everything.threshold) == pytest.approx((0.75, 0.7))
    assert everything.recall_at == pytest.approx(2 / 3)
    assert quality.classes[OUT].otwv == 1
    assert quality.classes[OUT].rates.precision == 1
    assert quality.late == pytest.approx((0.15, 0.195))
    assert quality.ways["words"].hits == 4
    assert [row.count for row in quality.table] == [1, 1, 1, 1]
    exact = quality.exact[EVERY]
    assert (exact.rates.hits, exact.rates.correct, exact.mtwv) == pytest.approx((1, 1, 0.25))
    assert list(quality.classes) == [EVERY, "1 word", "2 words", "said once", "said 2 to 9 times", IN, OUT, HARD]


def test_unsure_guesses_are_not_shown() -> None:
    unsure, sure = (replace(hit("two", 1.2, confidence), way="sound") for confidence in (MIN_CONFIDENCE - 0.1, 0.7))
    hits = {"keeper": [hit("one", 1.1, 0.2), replace(unsure, start=9.0, end=9.5)], "kierkegaard": [unsure]}
    everything = assessed(hits, is_shown).classes[EVERY]
    assert (everything.rates.hits, everything.rates.correct, everything.atwv) == pytest.approx((1, 1, 0.25))
    assert everything.recall_ceiling == pytest.approx(0.75)
    assert everything.otwv == pytest.approx(0.5)  # kierkegaard's own threshold; keeper is worth nothing
    quality = assessed({**hits, "kierkegaard": [sure]}, is_shown)
    assert {way: (found.hits, found.correct) for way, found in quality.ways.items()} == {
        "words": (1, 1),
        "sound": (1, 1),
    }
    assert quality.calibration_error == pytest.approx((0.8 + 0.3) / 2)


def test_every_hit_goes_through_all_pages(
    tmp_path: Path, recording: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.evaluation.evaluate.PAGE_SIZE", 3)
    with open_index(str(tmp_path / "store.db"), create=True) as index:
        index.add(recording(1), spoken("sea " * 8, 0.5))
        index.add(recording(2), spoken("sea the sea", 0.9))
        search = every_hit(index, "words")
        (one,) = look_up(["sea"], SAID, HEARD, VOCABULARY)
        found = list(search(Query((one.phrase,))))
    assert [(found_hit.recording.id, found_hit.start) for found_hit in found] == [
        ("id002", 0.0),
        ("id002", 2.0),
        *(("id001", float(second)) for second in range(8)),
    ]
