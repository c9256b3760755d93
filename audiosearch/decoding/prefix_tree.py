"""The prefixes of a beam search (``beam.py``) as a tree, each made and scored once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from audiosearch.decoding.hotwords import HotState, HotWords

TWO_BEAMS = math.log(2)
"""What a beam can gain when another one, no better, is merged into it."""


class WordScores(Protocol):
    """Scores of words by a language model; logarithms, weighted."""

    @property
    def order(self) -> int:
        """Words that one score looks at: the word itself and those before it."""

    def start(self) -> Any:
        """The state before the first word."""

    def score(self, state: Any, word: str, last: bool = False) -> tuple[float, Any]:
        """Score of a whole word after a state, and the state after it; ``last`` adds that of the sentence's end."""

    def score_part(self, part: str) -> float:
        """Score of the letters of a word that is not complete; never above 0."""


class Words:
    """The whole words of a prefix: its last one, and those before."""

    __slots__ = ("before", "bonus", "end", "heard", "hot", "recent", "rivals", "score", "state", "word")

    def __init__(
        self,
        before: Words | None,
        word: str,
        end: int,
        recent: tuple[str, ...],
        state: Any,
        heard: float,
        hot: HotState | None,
        bonus: float,
    ) -> None:
        self.before = before  # nothing where there is no word
        self.word = word
        self.end = end  # the frame in which it was first thought to be complete
        self.recent = recent  # those the language model still looks at
        self.state = state
        self.heard = heard  # score by the language model
        self.hot = hot
        self.bonus = bonus  # of hot words that are whole
        self.score = heard if hot is None else heard + bonus + hot.pending
        self.rivals: dict[Words, float] = {}  # given up for these words, and how much higher they scored at best

    @property
    def text(self) -> str:
        """All of them, joined by spaces."""
        words, found = self, []
        while words.before is not None:
            found.append(words.word)
            words = words.before
        return " ".join(reversed(found))


class Node:
    """A prefix: whole words, and the letters after the last space.

    It knows its children and not its parent, so that what no beam can come back to is freed; and a child that lives
    is always the same one, as long as its parent may be extended.
    """

    __slots__ = ("ceiling", "children", "part", "score", "words")

    def __init__(self, words: Words, part: str, score: float, ceiling: float) -> None:
        self.words = words
        self.part = part
        self.score = score
        self.ceiling = ceiling  # the score that two beams with one letter more could have at best
        self.children: dict[int, Node] = {}


class Tree:
    """Makes the nodes, each with its score."""

    def __init__(self, labels: Sequence[str], scores: WordScores | None, hotwords: HotWords | None) -> None:
        self.labels = labels
        self.space = labels.index(" ") if " " in labels else -1
        self.scores = scores
        self.hotwords = hotwords
        self.context = 1 if scores is None else max(1, scores.order - 1)
        self.parts: dict[str, float] = {"": 0.0}
        self.frame = 0
        self.letter = 0.0 if hotwords is None else hotwords.weight

    def plant(self) -> Node:
        """The empty prefix. The tree does not hold it: nodes live as long as a beam leads to them or to a parent."""
        state = None if self.scores is None else self.scores.start()
        hot = None if self.hotwords is None else self.hotwords.start
        return Node(Words(None, "", 0, (), state, 0.0, hot, 0.0), "", 0.0, TWO_BEAMS + self.letter)

    def extend(self, node: Node, label: int, least: float) -> Node | None:
        """The prefix with one more character, unless two beams of it would score less than ``least``.

        Spaces at the start or after another add nothing.
        """
        words, part = node.words, node.part
        if label != self.space:
            part += self.labels[label]
        elif part:
            words, part = self._complete(words, part), ""
        else:
            return node
        parts = self.parts if words.hot is None else words.hot.parts
        partial = parts.get(part)
        if partial is None:
            partial = parts[part] = self._partial(words.hot, part)
        score = words.score + partial
        if score + TWO_BEAMS < least:
            return None
        # Letters score nothing or less, unless they begin a hot word.
        ceiling = words.score + TWO_BEAMS
        if self.letter and (partial > 0 or not part):
            ceiling += self.letter * (len(part) + 1)
        child = node.children[label] = Node(words, part, score, ceiling)
        return child

    def finish(self, node: Node) -> float:
        """The score of a prefix, but for that of the emissions, if it is all that was said."""
        words = node.words
        score = words.heard + words.bonus
        if words.hot is not None and node.part:
            score += words.hot.after(node.part)[0]
        if self.scores is not None:
            score += self.scores.score(words.state, node.part, last=True)[0]
        return score

    def _complete(self, words: Words, word: str) -> Words:
        heard, state, hot, bonus = words.heard, words.state, words.hot, words.bonus
        if self.scores is not None:
            score, state = self.scores.score(state, word)
            heard += score
        if hot is not None:
            earned, hot = hot.after(word)
            bonus += earned
        recent = (*words.recent, word)[-self.context :]
        return Words(words, word, self.frame, recent, state, heard, hot, bonus)

    def _partial(self, hot: HotState | None, part: str) -> float:
        if hot is not None and (bonus := hot.begins(part)):
            return bonus
        return 0.0 if self.scores is None else self.scores.score_part(part)
