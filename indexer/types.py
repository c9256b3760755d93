"""What is stored and what is found. Standard library and ``audiosearch.types`` only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from audiosearch.types import PackedEmissions, Seconds, Word

MAX_TERMS = 64
"""Terms of a phrase; what is longer is no phrase that somebody remembers."""

MAX_SLOP = 64
"""Words that may lie between the terms of a phrase, all together."""

MIN_PREFIX = 2
"""Letters of a prefix; fewer would match nearly everything."""

MAX_LETTERS = 200
"""Letters of a stored word; what a recognizer makes longer is noise, and is cut."""

CONTEXT_WORDS = 8
"""Words of a hit before it and after it."""


IMPORTED = "import:"
NO_MEDIA = "import-without-media:"
"""With which the model of a recording begins whose words others made."""

Order = Literal["confidence", "time"]
"""Which hits come first: the surest, or those of the recordings that were modified first."""

Way = Literal["words", "sound"]
"""How a hit was found: among the words that were recognized, or in the emissions that were kept."""


@dataclass(frozen=True, slots=True)
class Location:
    """A file as it was when it was last looked at.

    Args:
        path: absolute.
        size: in bytes.
        modified_ns: time of modification, nanoseconds since 1970.
    """

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, known by its content, wherever copies of it lie.

    Args:
        id: hash of the content.
        locations: sorted by path, at least one.
        duration: stored to the millisecond.
        model: fingerprint of the recognizer that heard it; begins with IMPORTED where its words were made by others,
            and with NO_MEDIA where besides only these words are known and no file.
        added: when, ISO 8601 in UTC.
    """

    id: str
    locations: tuple[Location, ...]
    duration: Seconds
    model: str
    added: str

    def __post_init__(self) -> None:
        if not self.locations:
            raise ValueError(f"recording {self.id} has no location")

    @property
    def path(self) -> str:
        """Where it lies, or the first place of several."""
        return self.locations[0].path

    @property
    def has_media(self) -> bool:
        """Whether there is, or was, a file to hear; else its location is the place of its words in a transcript."""
        return not self.model.startswith(NO_MEDIA)


@dataclass(frozen=True, slots=True)
class Term:
    """A normalized word, or with ``prefix`` at least MIN_PREFIX letters with which words begin."""

    text: str
    prefix: bool = False

    def __post_init__(self) -> None:
        if not self.text or " " in self.text or not self.text.isprintable():
            raise ValueError(f"{self.text!r} is not a word")
        if self.prefix and len(self.text) < MIN_PREFIX:
            raise ValueError(f"the prefix {self.text!r} has fewer than {MIN_PREFIX} letters")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that follow one another.

    Args:
        terms: one to MAX_TERMS.
        slop: words that may lie between the terms, all together; 0 to MAX_SLOP.
    """

    terms: tuple[Term, ...]
    slop: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.terms) <= MAX_TERMS:
            raise ValueError(f"a phrase has 1 to {MAX_TERMS} terms, not {len(self.terms)}")
        if not 0 <= self.slop <= MAX_SLOP:
            raise ValueError(f"slop is 0 to {MAX_SLOP}, not {self.slop}")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which recordings count: those with a location of which all of this is true.

    Args:
        paths: absolute paths, of which a folder stands for all that is in it, or globs (``filters.py``); one of them
            must fit. None: all do.
        since_ns: earliest time of modification, nanoseconds since 1970.
        until_ns: time of modification from which on they do not count.
    """

    paths: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None

    def __post_init__(self) -> None:
        for path in self.paths:
            if not path.startswith("/"):
                raise ValueError(f"{path!r} is not an absolute path")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: hits of any of the phrases, under conditions (``match.py``).

    Args:
        phrases: at least one.
        together: phrases that must all be said too.
        without: phrases of which none may be said.
        within: how near to a hit that counts; None: anywhere in its recording.
        filter: recordings that count.
        order: which hits come first.
    """

    phrases: tuple[Phrase, ...]
    together: tuple[Phrase, ...] = ()
    without: tuple[Phrase, ...] = ()
    within: Seconds | None = None
    filter: Filter = Filter()
    order: Order = "confidence"

    def __post_init__(self) -> None:
        if not self.phrases:
            raise ValueError("a query has at least one phrase")
        if self.within is not None and not (math.isfinite(self.within) and self.within >= 0):
            raise ValueError(f"within is a number of seconds from 0 on, not {self.within}")
        if self.order not in get_args(Order):
            raise ValueError(f"the order is one of {', '.join(get_args(Order))}, not {self.order!r}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a phrase was said.

    Args:
        start: of its first word.
        end: of its last word.
        confidence: the lowest of the words that matched.
        words: from the first to the last that matched, with what lies between them; of one that matched by an
            alternative ``text`` and ``confidence`` are the alternative's. Found by sound: those that the span overlaps.
        before: up to CONTEXT_WORDS words that precede it.
        after: up to CONTEXT_WORDS words that follow it.
        way: how it was found.
    """

    recording: Recording
    start: Seconds
    end: Seconds
    confidence: float
    words: tuple[Word, ...]
    before: tuple[Word, ...]
    after: tuple[Word, ...]
    way: Way = "words"

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Heard:
    """A packed stretch of the emissions of a recording.

    Args:
        recording: its id.
        model: fingerprint of the recognizer that heard it.
        word: position of the first word that does not start before the stretch.
    """

    recording: str
    model: str
    word: int
    emissions: PackedEmissions


@dataclass(frozen=True, slots=True)
class Page:
    """Some hits in their order.

    Args:
        after: what ``search`` wants to be given for the next page; None: there are no more hits.
    """

    hits: tuple[Hit, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many hits a recording has."""

    recording: Recording
    hits: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much an index holds.

    Args:
        recordings: their number.
        words: their number, repetitions counted.
        seconds: of audio.
        bytes: that the store takes on its disk.
    """

    recordings: int
    words: int
    seconds: Seconds
    bytes: int
