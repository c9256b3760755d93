"""Anchors between two word sequences: runs of equal words that occur once in each, in the same order.

Long recordings are aligned with their text from anchors (Moreno, Joerg, Van Thong and Glickman 1998, "A recursive
algorithm for the forced alignment of very long audio segments"): runs that are unique in both sequences are matched,
the longest ascending subsequence of them is kept (as in Cohen's patience diff), and the stretches between are matched
in turn, with shorter runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

RUNS = (5, 4, 3, 2)
"""Lengths of the runs, in words, that are tried one after the other."""

MIN_LETTERS = 8
"""Of a run: short runs of short words match by chance."""


def find_anchors(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of positions of equal words, ascending in both sequences."""
    anchors: list[tuple[int, int]] = []
    regions = [(0, len(first), 0, len(second), 0)]
    while regions:
        start, end, other_start, other_end, level = regions.pop()
        if start == end or other_start == other_end or level == len(RUNS):
            continue
        runs = _unique_runs(first[start:end], second[other_start:other_end], RUNS[level])
        previous, other_previous = start, other_start
        for position, other in runs:
            position, other = position + start, other + other_start
            regions.append((previous, position, other_previous, other, level + 1))
            for offset in range(RUNS[level]):
                if position + offset >= previous and other + offset >= other_previous:
                    anchors.append((position + offset, other + offset))
            previous, other_previous = position + RUNS[level], other + RUNS[level]
        regions.append((previous, end, other_previous, other_end, level + 1))
    return sorted(anchors)


def _unique_runs(first: Sequence[str], second: Sequence[str], length: int) -> list[tuple[int, int]]:
    """Starts of the runs of ``length`` words that are unique in both sequences, ascending in both."""
    positions, others = _positions(first, length), _positions(second, length)
    matches = sorted(
        (position, others[run])
        for run, position in positions.items()
        if position >= 0 and others.get(run, -1) >= 0 and sum(map(len, run)) >= MIN_LETTERS
    )
    return _longest_ascending(matches)


def _positions(words: Sequence[str], length: int) -> dict[tuple[str, ...], int]:
    """The position of each run of words, or -1 if there are several."""
    positions: dict[tuple[str, ...], int] = {}
    for position in range(len(words) - length + 1):
        run = tuple(words[position : position + length])
        positions[run] = -1 if run in positions else position
    return positions


def _longest_ascending(matches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence whose second positions ascend (patience sorting)."""
    tops: list[int] = []  # the lowest last second position of subsequences of each length
    indices: list[int] = []  # and its match
    before = [-1] * len(matches)
    for number, (_, other) in enumerate(matches):
        place = bisect_left(tops, other)
        before[number] = indices[place - 1] if place else -1
        tops[place : place + 1] = [other]
        indices[place : place + 1] = [number]
    chain = []
    number = indices[-1] if indices else -1
    while number >= 0:
        chain.append(matches[number])
        number = before[number]
    return chain[::-1]
