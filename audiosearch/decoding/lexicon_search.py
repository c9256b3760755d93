"""Words of a lexicon that fit given frames best, by their acoustic score and prior.

All words are searched at once over a trie of their letters (token passing, Young et al. 1989); tokens far below the
best one of a frame are pruned. ``ctc.py`` describes the states.

Legend: T' emission frames, V labels, N nodes of the trie, W words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audiosearch.ctc import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiosearch.alphabet import Alphabet

BEAM = 10.0
"""Tokens that score this much below the best one in the same frame are pruned."""

MIN_LOG_PROB = -12.0
"""Lower bound of log-probabilities, so that a letter that the network missed does not rule out a word."""


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A word and its acoustic score: log-probability of its letters relative to blanks or spaces."""

    word: str
    score: float


class LexiconSearch:
    """Search over a fixed list of words.

    Args:
        words: spelled in letters of the alphabet; other words are ignored.
        priors: added to the acoustic score of each word for ranking and pruning.
    """

    def __init__(self, words: Sequence[str], priors: Sequence[float], alphabet: Alphabet) -> None:
        letters = set(alphabet.labels[1:])
        listed = sorted((word, prior) for word, prior in zip(words, priors, strict=True) if set(word) <= letters)
        self.words = [word for word, _ in listed]
        self._blank, self._space = alphabet.blank, alphabet.space
        self._priors = np.array([prior for _, prior in listed], np.float32)
        self._alphabet = alphabet
        self._trie = _build_trie(_letters(self.words, alphabet), self._priors)
        nodes = len(self._trie[0])
        self._slots = np.full(nodes, -1, np.int32)
        self._tokens = (
            np.empty((2, nodes), np.int32),
            np.empty((2, nodes), np.float32),
            np.empty((2, nodes), np.float32),
        )

    def n_best(self, log_probs: NDArray[np.float32], count: int, beam: float = BEAM) -> list[WordMatch]:
        """At most ``count`` words that fit frames [T', V] best, best first."""
        if not self.words or not len(log_probs):
            return []
        rows = self._relative(log_probs)
        matches, scores = _search(rows, self._trie, self._slots, self._tokens, self._blank, beam)
        order = np.argsort(-(scores + self._priors[matches]), kind="stable")[:count]
        return [WordMatch(self.words[matches[number]], float(scores[number])) for number in order]

    def prepare(self) -> None:
        """Load or compile the machine code."""
        silent = np.zeros((1, len(self._alphabet)), np.float32)
        for word in self.words[:1]:
            self.n_best(silent, 1)
            self.score(silent, word)

    def score(self, log_probs: NDArray[np.float32], word: str) -> float:
        """Acoustic score of one word, listed or not."""
        labels = np.array(self._alphabet.encode(word), np.int64)
        return float(_score(self._relative(log_probs), labels, self._blank))

    def _relative(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        # Relative to the better of blank and space, a word may begin and end in any frame at no cost.
        floored = np.maximum(log_probs, np.float32(MIN_LOG_PROB))
        relative: NDArray[np.float32] = floored - np.maximum(floored[:, self._blank], floored[:, self._space])[:, None]
        return relative


def _letters(words: list[str], alphabet: Alphabet) -> NDArray[np.int32]:
    """Labels [W, letters of the longest word], padded with -1."""
    lengths = np.array([len(word) for word in words], np.int64)
    rows = np.full((len(words), max(lengths, default=0)), -1, np.int32)
    characters = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
    labels = np.full(characters.max(initial=0) + 1, -1, np.int32)
    for label, character in enumerate(alphabet.labels[1:], start=1):
        if ord(character) < len(labels):
            labels[ord(character)] = label
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = labels[characters]
    return rows


def _build_trie(letters: NDArray[np.int32], priors: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """Arrays [N] of nodes by depth: first child, end of children, label, word or -1, best prior below. 0 is the root.

    Words are sorted: each node stands for a run of them, and its children for runs within that run.
    """
    lengths = (letters >= 0).sum(1)
    new = np.ones(letters.shape, bool)  # where a word differs from the word before it
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


@compiled
def _search(rows: Any, trie: Any, slots: Any, tokens: Any, blank: int, beam: float) -> Any:
    """Numbers of the words that are complete in some frame, and their highest scores.

    A token is a node with the scores of two states: ``on_label`` and ``on_blank``. The tokens of the previous and of
    the current frame take turns in the two halves of ``tokens``; ``slots`` maps nodes to current tokens.
    """
    firsts, lasts, labels, ends, best = trie
    never = np.float32(-1e30)
    matches = np.empty(256, np.int32)
    scores = np.empty(256, np.float32)
    matched = 0
    number_of = {np.int32(-1): 0}
    count = 0
    for t in range(len(rows)):
        row = rows[t]
        nodes, on_label, on_blank = tokens[0][t % 2], tokens[1][t % 2], tokens[2][t % 2]
        new_nodes, new_on_label, new_on_blank = tokens[0][1 - t % 2], tokens[1][1 - t % 2], tokens[2][1 - t % 2]
        for n in range(count):
            node = nodes[n]
            new_nodes[n] = node
            new_on_label[n] = on_label[n] + row[labels[node]]
            new_on_blank[n] = max(on_label[n], on_blank[n]) + row[blank]
            slots[node] = n
        new = count
        for n in range(-1, count):
            # Token -1 is at the root, where a word may begin in any frame.
            node = np.int32(0) if n < 0 else nodes[n]
            after_blank = np.float32(0.0) if n < 0 else on_blank[n]
            after_label = never if n < 0 else on_label[n]
            for child in range(firsts[node], lasts[node]):
                label = labels[child]
                score = after_blank
                if label != labels[node]:
                    score = max(score, after_label)
                score += row[label]
                slot = slots[child]
                if slot < 0:
                    slots[child] = new
                    new_nodes[new] = child
                    new_on_label[new] = score
                    new_on_blank[new] = never
                    new += 1
                else:
                    new_on_label[slot] = max(new_on_label[slot], score)
        highest = never
        for n in range(new):
            slots[new_nodes[n]] = -1
            highest = max(highest, max(new_on_label[n], new_on_blank[n]) + best[new_nodes[n]])
        count = 0
        for n in range(new):
            node = new_nodes[n]
            score = max(new_on_label[n], new_on_blank[n])
            if score + best[node] < highest - beam:
                continue
            new_nodes[count] = node
            new_on_label[count] = new_on_label[n]
            new_on_blank[count] = new_on_blank[n]
            count += 1
            word = ends[node]
            if word < 0:
                continue
            if word in number_of:
                scores[number_of[word]] = max(scores[number_of[word]], score)
                continue
            if matched == len(matches):
                matches = np.concatenate((matches, np.empty(matched, np.int32)))
                scores = np.concatenate((scores, np.empty(matched, np.float32)))
            number_of[word] = matched
            matches[matched] = word
            scores[matched] = score
            matched += 1
    return matches[:matched], scores[:matched]


@compiled
def _score(rows: Any, labels: Any, blank: int) -> Any:
    """The highest score of one word in rows [T', V]."""
    never = np.float32(-1e30)
    on_label = np.full(len(labels), never, np.float32)
    on_blank = np.full(len(labels), never, np.float32)
    highest = never
    for t in range(len(rows)):
        for n in range(len(labels) - 1, -1, -1):
            score = on_label[n]
            if n == 0:
                score = max(score, np.float32(0.0))
            else:
                score = max(score, on_blank[n - 1])
                if labels[n] != labels[n - 1]:
                    score = max(score, on_label[n - 1])
            on_blank[n] = max(on_label[n], on_blank[n]) + rows[t, blank]
            on_label[n] = score + rows[t, labels[n]]
        highest = max(highest, on_label[-1], on_blank[-1])
    return highest
