"""Values of the index: recordings, queries and hits. Imports the standard library and ``audiosearch.types`` only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

from audiosearch.types import PackedEmissions, Seconds, SoundSelection, Word

MAX_TERMS = 64
"""Maximum number of terms of a phrase."""

MAX_SLOP = 64
"""Maximum total number of words between the terms of a phrase."""

MIN_PREFIX = 2
"""Minimum number of letters of a prefix; a shorter one would match nearly everything."""

MAX_LETTERS = 200
"""Maximum word length in characters; longer output of a recognizer is truncated."""

CONTEXT_WORDS = 8
"""Words of context on each side of a hit."""


IMPORTED = "import:"
"""Prefix of the model of a recording whose words are imported."""

NO_MEDIA = "import-without-media:"
"""Prefix of the model of a recording that has imported words and no file."""

Order = Literal["confidence", "time", "newest", "name"]
"""Order of hits: by descending confidence, or recording by recording, oldest or newest modification or path first."""

Way = Literal["words", "sound"]
"""Source of a hit: the recognized words, or the stored emissions."""


@dataclass(frozen=True, slots=True)
class Location:
    """State of a file when it was last read.

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
    """Recording, identified by its content; copies of a file are locations of one recording.

    Args:
        id: hash of the content.
        locations: sorted by path, at least one.
        duration: stored to the millisecond.
        model: fingerprint of the recognizer, and the label of its selection of sound; begins with IMPORTED if the words
            are imported, and with NO_MEDIA if there is no file either.
        added: time of indexing, ISO 8601 in UTC.
        corrected: time of the last correction of its words, ISO 8601 in UTC; None if there is none. Set by the store.
    """

    id: str
    locations: tuple[Location, ...]
    duration: Seconds
    model: str
    added: str
    corrected: str | None = None

    def __post_init__(self) -> None:
        if not self.locations:
            raise ValueError(f"recording {self.id} has no location")

    @property
    def path(self) -> str:
        """Path of the first location."""
        return self.locations[0].path

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of its files, or of the transcript files that have its words."""
        parents = (PurePosixPath(location.path).parent for location in self.locations)
        return tuple(str(parent if self.has_media else parent.parent) for parent in parents)

    @property
    def track(self) -> int | None:
        """Number of the audio track that was recognized, from 1 on; None: the default."""
        return SoundSelection.of_label(self.model).track

    @property
    def sound_id(self) -> str:
        """Identifier of the sound that was recognized: the id, and the track if it was chosen."""
        return self.id if self.track is None else f"{self.id}-{self.track}"

    @property
    def has_media(self) -> bool:
        """True if the recording has, or had, a file; else its location is that of its words in a transcript."""
        return not self.model.startswith(NO_MEDIA)


@dataclass(frozen=True, slots=True)
class Term:
    """Normalized word, or with ``prefix`` the beginning of words, of at least MIN_PREFIX letters."""

    text: str
    prefix: bool = False

    def __post_init__(self) -> None:
        if not self.text or " " in self.text or not self.text.isprintable():
            raise ValueError(f"{self.text!r} is not a word")
        if self.prefix and len(self.text) < MIN_PREFIX:
            raise ValueError(f"the prefix {self.text!r} has fewer than {MIN_PREFIX} letters")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Sequence of terms.

    Args:
        terms: one to MAX_TERMS.
        slop: maximum total number of words between the terms; 0 to MAX_SLOP.
    """

    terms: tuple[Term, ...]
    slop: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.terms) <= MAX_TERMS:
            raise ValueError(f"a phrase has 1 to {MAX_TERMS} terms, not {len(self.terms)}")
        if not 0 <= self.slop <= MAX_SLOP:
            raise ValueError(f"slop is 0 to {MAX_SLOP}, not {self.slop}")

    @classmethod
    def of(cls, text: str, slop: int = 0) -> Phrase:
        """Phrase of a ``text`` as below."""
        return cls(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)

    @property
    def text(self) -> str:
        """The terms joined by single spaces, prefixes with a *."""
        return " ".join(term.text + "*" * term.prefix for term in self.terms)

    @property
    def is_contiguous(self) -> bool:
        """True if matches are adjacent words, of which only the last may be given by a prefix."""
        return len(self.terms) == 1 or (not self.slop and not any(term.prefix for term in self.terms[:-1]))

    @property
    def is_exact(self) -> bool:
        """True if the phrase is contiguous and has no prefix."""
        return self.is_contiguous and not self.terms[-1].prefix


@dataclass(frozen=True, slots=True)
class Filter:
    """Condition on recordings: the id is wanted, and one location meets all other conditions.

    Args:
        paths: absolute paths or globs (``filters.py``), of which one must match; a folder matches everything in it.
            Empty: every path matches.
        since_ns: earliest time of modification, nanoseconds since 1970.
        until_ns: end of the times of modification, exclusive.
        ids: of recordings; empty: of any.
        and_paths: paths or globs, of which one must match too; empty: every path matches.
    """

    paths: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    ids: tuple[str, ...] = ()
    and_paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for path in (*self.paths, *self.and_paths):
            if not path.startswith("/"):
                raise ValueError(f"{path!r} is not an absolute path")


@dataclass(frozen=True, slots=True)
class Query:
    """Hits of any of the phrases, under conditions (``matching/match.py``).

    Args:
        phrases: at least one.
        together: groups of phrases; of each group at least one must be said too.
        without: phrases of which none may be said.
        within: maximum distance of these phrases from a hit; None: anywhere in its recording.
        filter: recordings to search.
        order: of the hits.
        variants: other spellings of the phrases; their hits come after those of the phrases.
        voices: all words of a hit must have one of these, written as by ``filters.folded_voice``; empty: no condition.
    """

    phrases: tuple[Phrase, ...]
    together: tuple[tuple[Phrase, ...], ...] = ()
    without: tuple[Phrase, ...] = ()
    within: Seconds | None = None
    filter: Filter = Filter()
    order: Order = "confidence"
    variants: tuple[Phrase, ...] = ()
    voices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.phrases:
            raise ValueError("a query has at least one phrase")
        if not all(self.together):
            raise ValueError("a group has at least one phrase")
        if self.within is not None and not (math.isfinite(self.within) and self.within >= 0):
            raise ValueError(f"within is a number of seconds from 0 on, not {self.within}")
        if self.order not in get_args(Order):
            raise ValueError(f"the order is one of {', '.join(get_args(Order))}, not {self.order!r}")

    @property
    def sought(self) -> tuple[Phrase, ...]:
        """Phrases and variants: those whose matches are hits."""
        return self.phrases + self.variants

    @property
    def required(self) -> tuple[Phrase, ...]:
        """Phrases of all groups of ``together``."""
        return tuple(phrase for group in self.together for phrase in group)


@dataclass(frozen=True, slots=True)
class Hit:
    """Occurrence of a phrase.

    Args:
        start: of its earliest word.
        end: of its latest word.
        confidence: the lowest of the words that matched.
        words: from the first to the last that matched, with the words between them; if an alternative matched,
            ``text`` and ``confidence`` are the alternative's. Of a hit by sound: words that overlap its span.
        before: up to CONTEXT_WORDS words that precede it.
        after: up to CONTEXT_WORDS words that follow it.
        way: source of the hit.
        variant: True if only a variant of the query matches.
    """

    recording: Recording
    start: Seconds
    end: Seconds
    confidence: float
    words: tuple[Word, ...]
    before: tuple[Word, ...]
    after: tuple[Word, ...]
    way: Way = "words"
    variant: bool = False

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def voice(self) -> str | None:
        """Voice of the words; None if it is unknown, or if they have several."""
        voices = {word.voice for word in self.words}
        return voices.pop() if len(voices) == 1 else None


@dataclass(frozen=True, slots=True)
class StoredEmissions:
    """Packed emissions of a segment of a recording.

    Args:
        recording: id.
        model: fingerprint of the recognizer.
        word: position of the first word that does not start before the segment.
        emissions: packed.
    """

    recording: str
    model: str
    word: int
    emissions: PackedEmissions


@dataclass(frozen=True, slots=True)
class Page:
    """Page of hits in their order.

    Args:
        after: cursor for the next page; None: there are no more hits.
        variants: phrases that were looked for besides those of the query.
    """

    hits: tuple[Hit, ...]
    after: str | None
    variants: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """Number of hits in a recording."""

    recording: Recording
    hits: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Totals of an index.

    Args:
        recordings: number.
        words: number of word occurrences.
        seconds: of audio.
        bytes: size of the store on its disk.
    """

    recordings: int
    words: int
    seconds: Seconds
    bytes: int
