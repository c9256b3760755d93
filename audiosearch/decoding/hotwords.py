"""Hot words: words and phrases preferred by a bonus that grows with each of their letters (shallow fusion).

A phrase earns its bonus word by word and returns it where it breaks off: with "bank of america" as a hot phrase, "of"
is preferred after "bank" and nowhere else (contextual biasing, Zhao et al. 2019).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

from audiosearch.errors import ConfigError
from audiosearch.normalizer import normalize


class HotWords:
    """Bonuses that hot phrases add to the scores of prefixes.

    Args:
        phrases: one or more words each; they are normalized.
        weight: natural logarithm that every letter of a hot word adds.
    """

    def __init__(self, phrases: Iterable[str], weight: float) -> None:
        self.weight = weight
        self._phrases: set[tuple[str, ...]] = {tuple(normalize(phrase).split()) for phrase in phrases}
        self._phrases.discard(())
        self._continuations: dict[tuple[str, ...], list[str]] = {(): []}
        for phrase in self._phrases:
            for length in range(len(phrase)):
                self._continuations.setdefault(phrase[:length], []).append(phrase[length])
        for words in self._continuations.values():
            words.sort()
        self.words = frozenset(word for phrase in self._phrases for word in phrase)
        self._states: dict[tuple[tuple[str, ...], int], HotState] = {}
        self.start = self.state((), 0)

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def word_bonus(self, word: str) -> float:
        """Bonus of one word of a phrase."""
        return self.weight * len(word)

    def state(self, matched: tuple[str, ...], settled: int) -> HotState:
        """The state after the words ``matched`` of a phrase; the bonus of the first ``settled`` of them is final."""
        state = self._states.get((matched, settled))
        if state is None:
            state = self._states[matched, settled] = HotState(self, matched, settled)
        return state

    def advance(self, matched: tuple[str, ...], settled: int, word: str) -> tuple[float, HotState]:
        """Bonus that is final once ``word`` follows ``matched``, and the next state."""
        bonus = 0.0
        matched = (*matched, word)
        while matched:
            if matched in self._phrases:
                bonus += sum(map(self.word_bonus, matched[settled:]))
                settled = len(matched)
            if matched in self._continuations:
                break
            matched, settled = matched[1:], max(0, settled - 1)
        return bonus, self.state(matched, settled)

    def partial_bonus(self, matched: tuple[str, ...], part: str) -> float:
        """Bonus of the letters ``part`` after ``matched``; 0 if no hot word begins with them.

        All continuations count, including those of a phrase that begins with a later word of ``matched``.
        """
        for first in range(len(matched) + 1):
            words = self._continuations.get(matched[first:], [])
            nearest = bisect_left(words, part)
            if nearest < len(words) and words[nearest].startswith(part):
                return self.weight * len(part)
        return 0.0


class HotState:
    """Position of a prefix within hot phrases."""

    __slots__ = ("_hotwords", "_matched", "_next", "_settled", "partial_scores", "pending_bonus")

    def __init__(self, hotwords: HotWords, matched: tuple[str, ...], settled: int) -> None:
        self._hotwords = hotwords
        self._matched = matched
        self._settled = settled
        self._next: dict[str, tuple[float, HotState]] = {}
        self.pending_bonus = sum(map(hotwords.word_bonus, matched[settled:]))  # returned unless the phrase is completed
        self.partial_scores: dict[str, float] = {"": 0.0}  # of unfinished words in this state, cached by the search

    def partial_bonus(self, part: str) -> float:
        """Bonus of the first letters of a word."""
        return self._hotwords.partial_bonus(self._matched, part)

    def advance(self, word: str) -> tuple[float, HotState]:
        """Bonus that is final after a complete word, and the next state."""
        step = self._next.get(word)
        if step is None:
            step = self._next[word] = self._hotwords.advance(self._matched, self._settled, word)
        return step


def read_hotwords(path: Path) -> tuple[str, ...]:
    """Distinct, normalized hot words of a file: one word or phrase per line, ``#`` begins a comment.

    Raises:
        ConfigError: the file cannot be read, or a line holds no letters.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: the hot words cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the hot words are not UTF-8 text; save the file as UTF-8.") from error
    phrases: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        phrase = normalize(entry)
        if not phrase:
            raise ConfigError(f"{path}, line {number}: {entry!r} holds no letters; write one word or phrase per line.")
        phrases[phrase] = None
    if not phrases:
        raise ConfigError(f"{path}: holds no hot words; write one word or phrase per line.")
    return tuple(phrases)
