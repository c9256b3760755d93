"""Confusion slots: for each word of a text its candidates, from the lattice and from the lexicon.

The beam search follows few words at a time, and where the network is unsure the right word is seldom among them.
Therefore the lexicon is searched for words that fit the frames between the two neighbors, and the language model
scores them in context. The scores are raw; ``confidence.py`` turns them into probabilities.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from audiosearch.alignment.forced_alignment import label_frames
from audiosearch.decoding.hypothesis import Candidate, ConfusionSlot
from audiosearch.decoding.lattice import word_posteriors
from audiosearch.types import Emissions, Seconds

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.decoding.beam_search import FinalBeam
    from audiosearch.decoding.lexicon_search import LexiconSearch

SCALE = 0.3
"""Factor of acoustic and language score where they become shares, since both are overconfident."""

LEXICON_WORDS = 24
"""Words of the lexicon with the best acoustic score and prior that are scored in context."""

MAX_CANDIDATES = 6
"""Candidates kept in a slot, from which calibration chooses."""

MIN_SHARE = 0.005
"""Candidates with a smaller share and a smaller posterior are dropped."""

MARGIN: Seconds = 0.24
"""Time that a candidate may extend beyond the first and last letter of the word in its place, between its neighbors."""

ContextScorer = Callable[[Sequence[str], int, Sequence[str]], list[float]]
"""Scores of candidates in place of the n-th word of a text."""


def confusion_slots(
    text: str,
    beams: Sequence[FinalBeam],
    emissions: Emissions,
    alphabet: Alphabet,
    lexicon: LexiconSearch | None = None,
    score_in_context: ContextScorer | None = None,
) -> tuple[ConfusionSlot, ...]:
    """The slot of each word of a text.

    Args:
        text: the best text of the search.
        beams: the beams after the last frame.
        lexicon: further candidates; None without a language model.
        score_in_context: language scores of candidates.
    """
    words = text.split()
    posteriors = word_posteriors(text, beams, len(emissions))
    slots = []
    for position, (start, stop) in enumerate(_windows(words, emissions, alphabet)):
        word, posterior = words[position], posteriors[position]
        word_posterior = min(1.0, posterior.pop(word, 0.0))
        if lexicon is None or score_in_context is None:
            candidates = [Candidate(rival, p, 0.0, 0.0, p) for rival, p in posterior.items()]
            slots.append(ConfusionSlot(word, word_posterior, word_posterior, _select(candidates)))
            continue
        rows = emissions.log_probs[start:stop]
        scores = {match.word: match.score for match in lexicon.n_best(rows, LEXICON_WORDS) if match.word != word}
        for rival in posterior:
            if rival not in scores:
                scores[rival] = lexicon.score(rows, rival)
        texts = [word, *scores]
        languages = score_in_context(words, position, texts)
        acoustics = [lexicon.score(rows, word), *scores.values()]
        weights = [
            math.exp(max(-50.0, min(50.0, SCALE * (acoustic + language - acoustics[0] - languages[0]))))
            for acoustic, language in zip(acoustics, languages, strict=True)
        ]
        total = sum(weights)
        scored = zip(texts[1:], acoustics[1:], languages[1:], weights[1:], strict=True)
        candidates = [
            Candidate(
                candidate,
                min(1.0, posterior.get(candidate, 0.0)),
                acoustic - acoustics[0],
                language - languages[0],
                weight / total,
            )
            for candidate, acoustic, language, weight in scored
        ]
        slots.append(ConfusionSlot(word, word_posterior, weights[0] / total, _select(candidates)))
    return tuple(slots)


def _select(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    likely = [candidate for candidate in candidates if max(candidate.share, candidate.posterior) >= MIN_SHARE]
    likely.sort(key=lambda candidate: (-candidate.share - candidate.posterior, candidate.text))
    return tuple(likely[:MAX_CANDIDATES])


def _windows(words: Sequence[str], emissions: Emissions, alphabet: Alphabet) -> list[tuple[int, int]]:
    """Frames available to each word: between the last letter before it and the first letter after it."""
    starts, ends = label_frames(emissions.log_probs, alphabet.encode(" ".join(words)), alphabet.blank)
    spans = []
    first = 0
    for word in words:
        spans.append((int(starts[first]), int(ends[first + len(word) - 1])))
        first += len(word) + 1
    margin = round(MARGIN / emissions.frame_duration)
    previous_ends = [0, *(end for _, end in spans[:-1])]
    next_starts = [*(start for start, _ in spans[1:]), len(emissions)]
    return [
        (max(previous_end, start - margin), min(next_start, end + margin))
        for (start, end), previous_end, next_start in zip(spans, previous_ends, next_starts, strict=True)
    ]
