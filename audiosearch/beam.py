"""Prefix beam search over CTC emissions (Hannun et al. 2014), the words weighed by a language model.

This is the search of pyctcdecode and finds the same, some three times as fast: prefixes are nodes of a tree, made and
scored once, where pyctcdecode joins and hashes their texts for every beam and frame. A beam is a node and the label
of its last frame, as a repeated label after a blank is a new character, and otherwise the same one.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.hotwords import HotState, HotWords


class WordScores(Protocol):
    """What a language model says of words; logarithms, weighted, under pyctcdecode's names."""

    @property
    def order(self) -> int:
        """Words that one score looks at: the word itself and those before it."""

    def get_start_state(self) -> Any:
        """The state before the first word."""

    def score(self, prev_state: Any, word: str, is_last_word: bool = False) -> tuple[float, Any]:
        """Score of a whole word after a state, and the state after it."""

    def score_partial_token(self, partial_token: str) -> float:
        """Score of the letters of a word that is not complete; never above 0."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the search gives up.

    Args:
        beam_width: beams kept after a frame.
        beam_prune_logp: beams so far below the best are dropped.
        token_min_logp: labels less likely are not tried, but the likeliest of a frame always is.
        prune_history: of beams that only differ in words too far back for the language model, keep the best. It
            costs nothing but variety further down the list.
    """

    beam_width: int
    beam_prune_logp: float
    token_min_logp: float
    prune_history: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A text with its score by the emissions alone, and in all."""

    text: str
    acoustic: float
    score: float


@dataclass(frozen=True, slots=True)
class End:
    """A beam at the end of the emissions: whole words, the letters of one more, and its score in all."""

    words: Words
    part: str
    score: float

    @property
    def text(self) -> str:
        """The words and the letters."""
        return " ".join(filter(None, (self.words.text, self.part)))


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


class _Node:
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
        self.children: dict[int, _Node] = {}


class _Tree:
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

    def plant(self) -> _Node:
        """The empty prefix. The tree does not hold it: nodes live as long as a beam leads to them or to a parent."""
        state = None if self.scores is None else self.scores.get_start_state()
        hot = None if self.hotwords is None else self.hotwords.start
        return _Node(Words(None, "", 0, (), state, 0.0, hot, 0.0), "", 0.0, _TWO_BEAMS + self.letter)

    def extend(self, node: _Node, label: int, least: float) -> _Node | None:
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
        if score + _TWO_BEAMS < least:
            return None
        # Letters score nothing or less, unless they begin a hot word.
        ceiling = words.score + _TWO_BEAMS
        if self.letter and (partial > 0 or not part):
            ceiling += self.letter * (len(part) + 1)
        child = node.children[label] = _Node(words, part, score, ceiling)
        return child

    def finish(self, node: _Node) -> float:
        """The score of a prefix, but for that of the emissions, if it is all that was said."""
        words = node.words
        score = words.heard + words.bonus
        if words.hot is not None and node.part:
            score += words.hot.after(node.part)[0]
        if self.scores is not None:
            score += self.scores.score(words.state, node.part, is_last_word=True)[0]
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
        return 0.0 if self.scores is None else self.scores.score_partial_token(part)


_Beam = tuple[float, float, _Node, int]
"""Score in all, score by the emissions, prefix, label of the last frame."""


def search(
    log_probs: NDArray[np.floating[Any]],
    labels: Sequence[str],
    scores: WordScores | None,
    hotwords: HotWords | None,
    limits: Limits,
) -> tuple[list[Found], list[End]]:
    """Texts for log-probs [T', V], best first; and the beams that are left in the end.

    A frame in which only one label is likely enough, the same as in the frame before, changes no prefix and no
    order: it shifts all scores alike, so its score is added and the frame is skipped. (After the first such frame
    every beam ends in that label; the second finds nothing to merge and nothing new to drop.) In clear speech
    with pauses that is most frames.
    """
    tree = _Tree(labels, scores, hotwords)
    blank = labels.index("")
    beams: list[_Beam] = [(0.0, 0.0, tree.plant(), blank)]
    settled = blank  # the label that all beams end in
    skipped = 0.0
    for frame, tokens in enumerate(_likely(log_probs, limits.token_min_logp)):
        tree.frame = frame
        if len(tokens) == 1:
            label, value = tokens[0]
            if label == settled:
                skipped += value
                continue
            settled = label
        else:
            settled = -1
        beams = _prune(_extend(beams, tokens, blank, tree, limits), limits)
    return _finish(beams, skipped, tree, limits)


def _likely(log_probs: NDArray[np.floating[Any]], least: float) -> Iterator[list[tuple[int, float]]]:
    """For each frame the labels worth trying with their log-probabilities, likeliest first."""
    best = log_probs.argmax(1)
    worth = log_probs >= least
    worth[range(len(log_probs)), best] = True
    rows, columns = worth.nonzero()
    values = log_probs[rows, columns].tolist()
    tokens = list(zip(columns.tolist(), values, strict=True))
    first = 0
    for count in worth.sum(1).tolist():
        yield sorted(tokens[first : first + count], key=itemgetter(1), reverse=True)
        first += count


def _extend(
    beams: list[_Beam], tokens: list[tuple[int, float]], blank: int, tree: _Tree, limits: Limits
) -> list[_Beam]:
    """The best beams after one more frame; those of equal prefix and label are merged, their probabilities added.

    ``beams`` and ``tokens`` come best first, and so do the results. What the likelier labels made of the beams sets a
    floor: a prefix that does not exist yet, and would stay under it, is not made. At most two beams lead to it, of
    which the better comes first and decides for both.
    """
    extended: list[_Beam] = []
    floor = -math.inf
    for label, value in tokens:
        merged: dict[_Node, float] = {}
        for _, acoustic, node, last in beams:
            score = acoustic + value
            if label not in (blank, last):
                child = node.children.get(label)
                if child is None:
                    if score + node.ceiling < floor and label != tree.space:
                        continue
                    child = tree.extend(node, label, floor - score)
                    if child is None:
                        continue
                node = child
            other = merged.get(node)
            merged[node] = score if other is None else _log_add(score, other)
        extended += [(score + node.score, score, node, label) for node, score in merged.items()]
        extended.sort(key=_score, reverse=True)
        del extended[limits.beam_width :]
        floor = extended[0][0] + limits.beam_prune_logp
        if len(extended) == limits.beam_width:
            floor = max(floor, extended[-1][0])
    return extended


def _prune(beams: list[_Beam], limits: Limits) -> list[_Beam]:
    """The beams worth keeping, of beams that come best first."""
    least = beams[0][0] + limits.beam_prune_logp
    kept: list[_Beam] = []
    seen: dict[tuple[tuple[str, ...], str, int], _Beam] = {}
    for beam in beams:
        score, _, node, last = beam
        if score < least:
            break
        if limits.prune_history:
            future = (node.words.recent, node.part, last)
            better = seen.setdefault(future, beam)
            if better is not beam:
                rivals = better[2].words.rivals
                rivals[node.words] = max(score - better[0], rivals.get(node.words, -math.inf))
                continue
        kept.append(beam)
    return kept


def _finish(beams: list[_Beam], skipped: float, tree: _Tree, limits: Limits) -> tuple[list[Found], list[End]]:
    """The texts of the last beams, with the end of the sentence scored."""
    acoustics: dict[str, float] = {}
    extras: dict[str, float] = {}
    ends = []
    for _, acoustic, node, _ in beams:
        text = " ".join(filter(None, (node.words.text, node.part)))
        extras[text] = tree.finish(node)
        ends.append(End(node.words, node.part, acoustic + extras[text]))
        other = acoustics.get(text)
        acoustics[text] = acoustic if other is None else _log_add(acoustic, other)
    found = [Found(text, a + skipped, a + skipped + extras[text]) for text, a in acoustics.items()]
    found.sort(key=lambda f: f.score, reverse=True)
    least = found[0].score + limits.beam_prune_logp
    return [f for f in found[: limits.beam_width] if f.score >= least], ends


_score = itemgetter(0)

_TWO_BEAMS = math.log(2)
"""What a beam can gain when another one, no better, is merged into it."""


def _log_add(a: float, b: float) -> float:
    """``log(exp(a) + exp(b))``"""
    return a + math.log1p(math.exp(b - a)) if a >= b else b + math.log1p(math.exp(a - b))
