"""Prefix beam search over CTC emissions (Hannun et al. 2014), the words weighed by a language model.

It finds what pyctcdecode's search finds, some three times as fast: prefixes are nodes of a tree, made and scored once,
where pyctcdecode joins and hashes their texts for every beam and frame. A beam is a node and the label of its last
frame, as a repeated label after a blank is a new character, and otherwise the same one.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from audiosearch.decoding.prefix_tree import Node, Tree, Words, WordScores
from audiosearch.types import Hypothesis

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.decoding.hotwords import HotWords


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
class End:
    """A beam at the end of the emissions: whole words, the letters of one more, and its score in all."""

    words: Words
    part: str
    score: float

    @property
    def text(self) -> str:
        """The words and the letters."""
        return " ".join(filter(None, (self.words.text, self.part)))


_Beam = tuple[float, float, Node, int]
"""Score in all, score by the emissions, prefix, label of the last frame."""


def search(
    log_probs: NDArray[np.floating[Any]],
    labels: Sequence[str],
    scores: WordScores | None,
    hotwords: HotWords | None,
    limits: Limits,
) -> tuple[list[Hypothesis], list[End]]:
    """Texts for log-probs [T', V], best first; and the beams that are left in the end.

    A frame in which only one label is likely enough, the same as in the frame before, changes no prefix and no
    order: it shifts all scores alike, so its score is added and the frame is skipped. (After the first such frame
    every beam ends in that label; the second finds nothing to merge and nothing new to drop.) In clear speech
    with pauses that is most frames.
    """
    tree = Tree(labels, scores, hotwords)
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


def _extend(beams: list[_Beam], tokens: list[tuple[int, float]], blank: int, tree: Tree, limits: Limits) -> list[_Beam]:
    """The best beams after one more frame; those of equal prefix and label are merged, their probabilities added.

    ``beams`` and ``tokens`` come best first, and so do the results. What the likelier labels made of the beams sets a
    floor: a prefix that does not exist yet, and would stay under it, is not made. At most two beams lead to it, of
    which the better comes first and decides for both.
    """
    extended: list[_Beam] = []
    floor = -math.inf
    for label, value in tokens:
        merged: dict[Node, float] = {}
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


def _finish(beams: list[_Beam], skipped: float, tree: Tree, limits: Limits) -> tuple[list[Hypothesis], list[End]]:
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
    found = [Hypothesis(text, a + skipped + extras[text]) for text, a in acoustics.items()]
    found.sort(key=lambda f: f.score, reverse=True)
    least = found[0].score + limits.beam_prune_logp
    return [f for f in found[: limits.beam_width] if f.score >= least], ends


_score = itemgetter(0)


def _log_add(a: float, b: float) -> float:
    """``log(exp(a) + exp(b))``"""
    return a + math.log1p(math.exp(b - a)) if a >= b else b + math.log1p(math.exp(a - b))
