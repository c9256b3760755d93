"""Words and phrases to be preferred where they fit: a bonus that grows with every letter of theirs (shallow fusion).

A phrase gets its bonus word by word and gives it back where it breaks off, so that "of" is preferred after "bank" if
"bank of america" is hot, and nowhere else (contextual biasing, Zhao et al. 2019).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

from audiosearch.errors import ConfigError
from audiosearch.normalizer import normalize


class HotWords:
    """What hot words add to the scores of prefixes.

    Args:
        phrases: one or more words each; they are normalized.
        weight: natural logarithm that every letter of a hot word adds.
    """

    def __init__(self, phrases: Iterable[str], weight: float) -> None:
        self.weight = weight
        self._whole: set[tuple[str, ...]] = {tuple(normalize(phrase).split()) for phrase in phrases}
        self._whole.discard(())
        self._following: dict[tuple[str, ...], list[str]] = {(): []}
        for phrase in self._whole:
            for length in range(len(phrase)):
                self._following.setdefault(phrase[:length], []).append(phrase[length])
        for words in self._following.values():
            words.sort()
        self.words = frozenset(word for phrase in self._whole for word in phrase)
        self._states: dict[tuple[tuple[str, ...], int], HotState] = {}
        self.start = self.state((), 0)

    def __bool__(self) -> bool:
        return bool(self._whole)

    def worth(self, word: str) -> float:
        """The bonus of one word of a phrase."""
        return self.weight * len(word)

    def state(self, begun: tuple[str, ...], settled: int) -> HotState:
        """The state in which these words may become a phrase; the first so many have their bonus for good."""
        found = self._states.get((begun, settled))
        if found is None:
            found = self._states[begun, settled] = HotState(self, begun, settled)
        return found

    def after(self, begun: tuple[str, ...], settled: int, word: str) -> tuple[float, HotState]:
        """What a word after ``begun`` earns for good, and the state after it."""
        earned = 0.0
        begun = (*begun, word)
        while begun:
            if begun in self._whole:
                earned += sum(map(self.worth, begun[settled:]))
                settled = len(begun)
            if begun in self._following:
                break
            begun, settled = begun[1:], max(0, settled - 1)
        return earned, self.state(begun, settled)

    def begins(self, begun: tuple[str, ...], part: str) -> float:
        """What letters after ``begun`` are worth so far; 0 where no hot word begins so.

        All continuations count, also those of a phrase that begins with a later word of ``begun``.
        """
        for first in range(len(begun) + 1):
            words = self._following.get(begun[first:], [])
            nearest = bisect_left(words, part)
            if nearest < len(words) and words[nearest].startswith(part):
                return self.weight * len(part)
        return 0.0


class HotState:
    """Where in phrases the words so far have come to."""

    __slots__ = ("_begun", "_hotwords", "_next", "_settled", "parts", "pending")

    def __init__(self, hotwords: HotWords, begun: tuple[str, ...], settled: int) -> None:
        self._hotwords = hotwords
        self._begun = begun
        self._settled = settled
        self._next: dict[str, tuple[float, HotState]] = {}
        self.pending = sum(map(hotwords.worth, begun[settled:]))  # given back unless the phrase is completed
        self.parts: dict[str, float] = {"": 0.0}  # scores of beginnings of words here, kept by the search

    def begins(self, part: str) -> float:
        """The bonus of the beginning of a word."""
        return self._hotwords.begins(self._begun, part)

    def after(self, word: str) -> tuple[float, HotState]:
        """What a whole word earns for good, and the state after it."""
        found = self._next.get(word)
        if found is None:
            found = self._next[word] = self._hotwords.after(self._begun, self._settled, word)
        return found


def read_hotwords(path: Path) -> tuple[str, ...]:
    """The hot words of a file, normalized, each once: one word or phrase a line, after ``#`` a comment.

    Raises:
        ConfigError: the file cannot be read, or a line holds no letters.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: the hot words cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the hot words are not UTF-8 text; save the file as that.") from error
    found: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        phrase = normalize(said)
        if not phrase:
            raise ConfigError(f"{path}, line {number}: {said!r} holds no letters; write one word or phrase a line.")
        found[phrase] = None
    if not found:
        raise ConfigError(f"{path}: holds no hot words; write one word or phrase a line.")
    return tuple(found)
