"""What else may have been said at each word's place: words that the search gave up, and words that sound like it.

The beam search follows few words at a time, and where the network is unsure the right one is seldom among them. So at
every place a word list is asked which words fit the frames between the two neighbors, and the language model how well
they stand there. What is found is raw: ``calibration.py`` makes probabilities of it.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from audiosearch.alignment.viterbi import label_frames
from audiosearch.decoding.lattice import posteriors
from audiosearch.types import Emissions, Rival, Seconds, Slot

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.decoding.beam_search import End
    from audiosearch.decoding.lexicon_search import Lexicon

SCALE = 0.3
"""Of sound and language together, where they become shares: both are surer than they are right."""

FITTING = 24
"""Words that fit a place by their sound and how common they are, before the words around are looked at."""

RIVALS = 6
"""Words kept for a place, until calibration chooses among them."""

LEAST = 0.005
"""Words with less of a share, and followed by less of the search, are not kept."""

MARGIN: Seconds = 0.24
"""A word may reach so far beyond the first and last letter of the one in its place, if the neighbors leave room."""

InContext = Callable[[Sequence[str], int, Sequence[str]], list[float]]
"""Scores of words in place of the n-th of a text."""


def slots(
    text: str,
    ends: Sequence[End],
    emissions: Emissions,
    alphabet: Alphabet,
    lexicon: Lexicon | None = None,
    in_context: InContext | None = None,
) -> tuple[Slot, ...]:
    """For each word of a text what competed with it.

    Args:
        text: the best one that the search found.
        ends: what it was left with.
        lexicon: words that are tried; none where there is no language model.
        in_context: says how well words stand there.
    """
    words = text.split()
    followed = posteriors(text, ends, len(emissions))
    made = []
    for place, (start, stop) in enumerate(_windows(words, emissions, alphabet)):
        word, posterior = words[place], followed[place]
        own = min(1.0, posterior.pop(word, 0.0))
        if lexicon is None or in_context is None:
            rivals = [Rival(other, p, 0.0, 0.0, p) for other, p in posterior.items()]
            made.append(Slot(word, own, own, _kept(rivals)))
            continue
        rows = emissions.log_probs[start:stop]
        sounds = {fit.word: fit.score for fit in lexicon.best(rows, FITTING) if fit.word != word}
        for other in posterior:
            if other not in sounds:
                sounds[other] = lexicon.score(rows, other)
        texts = [word, *sounds]
        languages = in_context(words, place, texts)
        heard = [lexicon.score(rows, word), *sounds.values()]
        weights = [
            math.exp(max(-50.0, min(50.0, SCALE * (sound + language - heard[0] - languages[0]))))
            for sound, language in zip(heard, languages, strict=True)
        ]
        total = sum(weights)
        rivals = [
            Rival(other, min(1.0, posterior.get(other, 0.0)), sound - heard[0], language - languages[0], weight / total)
            for other, sound, language, weight in zip(texts[1:], heard[1:], languages[1:], weights[1:], strict=True)
        ]
        made.append(Slot(word, own, weights[0] / total, _kept(rivals)))
    return tuple(made)


def _kept(rivals: list[Rival]) -> tuple[Rival, ...]:
    worth = [rival for rival in rivals if max(rival.share, rival.posterior) >= LEAST]
    worth.sort(key=lambda rival: (-rival.share - rival.posterior, rival.text))
    return tuple(worth[:RIVALS])


def _windows(words: Sequence[str], emissions: Emissions, alphabet: Alphabet) -> list[tuple[int, int]]:
    """Frames that the word at each place could take: from the letters before it to those after it."""
    starts, ends = label_frames(emissions.log_probs, alphabet.encode(" ".join(words)), alphabet.blank)
    spans = []
    first = 0
    for word in words:
        spans.append((int(starts[first]), int(ends[first + len(word) - 1])))
        first += len(word) + 1
    margin = round(MARGIN / emissions.frame_duration)
    befores = [0, *(end for _, end in spans[:-1])]
    afters = [*(start for start, _ in spans[1:]), len(emissions)]
    return [
        (max(before, start - margin), min(after, end + margin))
        for (start, end), before, after in zip(spans, befores, afters, strict=True)
    ]
