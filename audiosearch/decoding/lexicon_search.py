"""Which words of a list fit a stretch of frames best, by their sound and by how common they are.

All words are tried at once over a tree of their letters (token passing, Young et al. 1989), keeping only the
beginnings that score nearly as well as the best one.

Legend: T' emission frames, V labels, N nodes of the tree, W words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiosearch.alphabet import Alphabet

BEAM = 10.0
"""Beginnings of words that score so much less than the best in the same frame are given up."""

LEAST_LOG_PROB = -12.0
"""Labels are taken for no less likely, so that one that the network missed does not rule a word out."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A word and how well it fits: the log-probability of its letters over that of silence or spaces in their place."""

    word: str
    score: float


class Lexicon:
    """A list of words to look for.

    Args:
        words: spelled in letters of the alphabet; others are left out.
        priors: added to the score of each word.
    """

    def __init__(self, words: Sequence[str], priors: Sequence[float], alphabet: Alphabet) -> None:
        letters = set(alphabet.labels[1:])
        listed = sorted((word, prior) for word, prior in zip(words, priors, strict=True) if set(word) <= letters)
        self.words = [word for word, _ in listed]
        self._blank, self._space = alphabet.blank, alphabet.space
        self._priors = np.array([prior for _, prior in listed], np.float32)
        self._alphabet = alphabet
        self._tree = _tree(_letters(self.words, alphabet), self._priors)
        nodes = len(self._tree[0])
        self._place = np.full(nodes, -1, np.int32)
        self._tokens = (
            np.empty((2, nodes), np.int32),
            np.empty((2, nodes), np.float32),
            np.empty((2, nodes), np.float32),
        )

    def best(self, log_probs: NDArray[np.float32], count: int, beam: float = BEAM) -> list[Fit]:
        """The words that fit all of some frames [T', V] best, best first; at most ``count``."""
        if not self.words or not len(log_probs):
            return []
        rows = self._relative(log_probs)
        found, scores = _search(rows, self._tree, self._place, self._tokens, self._blank, beam)
        order = np.argsort(-(scores + self._priors[found]), kind="stable")[:count]
        return [Fit(self.words[found[number]], float(scores[number])) for number in order]

    def prepare(self) -> None:
        """Load what is compiled, or compile it."""
        silent = np.zeros((1, len(self._alphabet)), np.float32)
        for word in self.words[:1]:
            self.best(silent, 1)
            self.score(silent, word)

    def score(self, log_probs: NDArray[np.float32], word: str) -> float:
        """How well one word fits, listed or not."""
        labels = np.array(self._alphabet.encode(word), np.int64)
        return float(_score(self._relative(log_probs), labels, self._blank))

    def _relative(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        # Before and after the word there may be blanks and spaces; with these as zero, a word starts and ends free.
        floored = np.maximum(log_probs, np.float32(LEAST_LOG_PROB))
        relative: NDArray[np.float32] = floored - np.maximum(floored[:, self._blank], floored[:, self._space])[:, None]
        return relative


def _letters(words: list[str], alphabet: Alphabet) -> NDArray[np.int32]:
    """Labels [W, letters of the longest], filled up with -1."""
    lengths = np.array([len(word) for word in words], np.int64)
    rows = np.full((len(words), max(lengths, default=0)), -1, np.int32)
    characters = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
    labels = np.full(characters.max(initial=0) + 1, -1, np.int32)
    for label, character in enumerate(alphabet.labels[1:], start=1):
        if ord(character) < len(labels):
            labels[ord(character)] = label
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = labels[characters]
    return rows


def _tree(letters: NDArray[np.int32], priors: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """Nodes by depth: first child and one past the last, label, word or -1, best prior of a word below. 0 is the root.

    Words are sorted, so that each node stands for a run of them, and its children for runs within.
    """
    lengths = (letters >= 0).sum(1)
    new = np.ones(letters.shape, bool)  # where a word has a letter that the one before has not
    new[1:] = np.logical_or.accumulate(letters[1:] != letters[:-1], axis=1)
    firsts: list[NDArray[Any]] = []
    lasts: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = [np.zeros(1)]
    ends: list[NDArray[Any]] = [np.full(1, -1)]
    best: list[NDArray[Any]] = [np.zeros(1)]
    above, count = np.zeros(1, np.int64), 1
    for depth in range(letters.shape[1] + 1):
        runs = np.flatnonzero((new[:, depth] if depth < letters.shape[1] else False) & (lengths > depth))
        parents = np.searchsorted(above, runs, "right") - 1
        lasts.append(count + np.searchsorted(parents, np.arange(len(above)), "right"))
        firsts.append(np.concatenate([[count], lasts[-1][:-1]]))
        if not len(runs):
            break
        count += len(runs)
        labels.append(letters[runs, depth])
        ends.append(np.where(lengths[runs] == depth + 1, runs, -1))
        best.append(np.maximum.reduceat(np.where(lengths > depth, priors, -np.inf), runs))
        above = runs
    kinds = (np.int32, np.int32, np.int32, np.int32, np.float32)
    fields = (firsts, lasts, labels, ends, best)
    return tuple(np.concatenate(field).astype(kind) for field, kind in zip(fields, kinds, strict=True))


@njit(cache=True, nogil=True)
def _search(rows: Any, tree: Any, place: Any, tokens: Any, blank: int, beam: float) -> Any:
    """Words (numbers) that are complete in some frame, and their highest scores.

    A token is a node and two scores: of paths that end in its letter, and in a blank after it. Those of the last frame
    lie in one half of ``tokens``, those of this one in the other; ``place`` says where that of a node is.
    """
    firsts, lasts, labels, ends, best = tree
    never = np.float32(-1e30)
    done = np.empty(256, np.int32)
    scores = np.empty(256, np.float32)
    finished = 0
    listed = {np.int32(-1): 0}
    count = 0
    for t in range(len(rows)):
        row = rows[t]
        nodes, spoken, paused = tokens[0][t % 2], tokens[1][t % 2], tokens[2][t % 2]
        new_nodes, new_spoken, new_paused = tokens[0][1 - t % 2], tokens[1][1 - t % 2], tokens[2][1 - t % 2]
        for n in range(count):
            node = nodes[n]
            new_nodes[n] = node
            new_spoken[n] = spoken[n] + row[labels[node]]
            new_paused[n] = max(spoken[n], paused[n]) + row[blank]
            place[node] = n
        new = count
        for n in range(-1, count):
            # Number -1 is the root, where a word may begin in any frame.
            node = np.int32(0) if n < 0 else nodes[n]
            after_blank = np.float32(0.0) if n < 0 else paused[n]
            after_letter = never if n < 0 else spoken[n]
            for child in range(firsts[node], lasts[node]):
                label = labels[child]
                score = after_blank
                if label != labels[node]:
                    score = max(score, after_letter)
                score += row[label]
                at = place[child]
                if at < 0:
                    place[child] = new
                    new_nodes[new] = child
                    new_spoken[new] = score
                    new_paused[new] = never
                    new += 1
                else:
                    new_spoken[at] = max(new_spoken[at], score)
        most = never
        for n in range(new):
            place[new_nodes[n]] = -1
            most = max(most, max(new_spoken[n], new_paused[n]) + best[new_nodes[n]])
        count = 0
        for n in range(new):
            node = new_nodes[n]
            score = max(new_spoken[n], new_paused[n])
            if score + best[node] < most - beam:
                continue
            new_nodes[count] = node
            new_spoken[count] = new_spoken[n]
            new_paused[count] = new_paused[n]
            count += 1
            word = ends[node]
            if word < 0:
                continue
            if word in listed:
                scores[listed[word]] = max(scores[listed[word]], score)
                continue
            if finished == len(done):
                done = np.concatenate((done, np.empty(finished, np.int32)))
                scores = np.concatenate((scores, np.empty(finished, np.float32)))
            listed[word] = finished
            done[finished] = word
            scores[finished] = score
            finished += 1
    return done[:finished], scores[:finished]


@njit(cache=True, nogil=True)
def _score(rows: Any, labels: Any, blank: int) -> Any:
    """The highest score of one word in rows [T', V]."""
    never = np.float32(-1e30)
    spoken = np.full(len(labels), never, np.float32)
    paused = np.full(len(labels), never, np.float32)
    highest = never
    for t in range(len(rows)):
        for n in range(len(labels) - 1, -1, -1):
            score = spoken[n]
            if n == 0:
                score = max(score, np.float32(0.0))
            else:
                score = max(score, paused[n - 1])
                if labels[n] != labels[n - 1]:
                    score = max(score, spoken[n - 1])
            paused[n] = max(spoken[n], paused[n]) + rows[t, blank]
            spoken[n] = score + rows[t, labels[n]]
        highest = max(highest, spoken[-1], paused[-1])
    return highest
