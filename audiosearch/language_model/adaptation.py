"""Adaptation of a language model to a library: the model interpolated with one of the transcripts.

::

    transcripts → folds ─ lmplz for all other folds → scores of each fold ─ EM → weights ┐
                └──────── lmplz for all of them ─────────────────────────────────────────┴ interpolate → lm.bin

The weights are fitted to recordings that the model of the transcripts has not seen. Words of the transcripts are
added to the vocabulary.

Legend: ``M`` models, the adapted one first, then those of the transcripts and of further texts; ``T`` tokens.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiosearch.errors import LanguageModelError
from audiosearch.files import lock_output
from audiosearch.language_model.estimation import (
    check_files,
    check_settings,
    estimate_numbered,
    find_lmplz,
    save_model,
)
from audiosearch.language_model.folds import Text, Vocabulary, write_folds, write_text
from audiosearch.language_model.interpolation import counted_tokens, fit_weights, interpolate, perplexity
from audiosearch.language_model.mixture import tokens_of
from audiosearch.language_model.model import LanguageModel
from audiosearch.language_model.ngrams import (
    END,
    RESERVED,
    START,
    UNKNOWN,
    Integers,
    NGramModel,
    exp10,
)

MIN_WORDS = 1000
"""Words of transcripts below which no model is estimated."""

MAX_FOLDED_WORDS = 500_000
"""Words of transcripts above which one part alone is held out."""

MAX_HELD_OUT_SENTENCES = 20_000
"""Sentences of a part that the weights are fitted to."""

MAX_UNPRUNED_WORDS = 2_000_000
"""Words of transcripts above which n-grams of three and more words that occur once are left out."""

PRIOR = 1000.0
"""Tokens of the adapted model that are added to the held-out ones: a few of these do not outweigh it."""

UNFITTED_WEIGHT = 0.1
"""Weight of the other models in all if there is no recording to hold out."""

MIN_BASE_WEIGHT = 0.2
"""Minimum weight of the adapted model: the library will come to hold words that it does not hold yet."""


@dataclass(frozen=True, slots=True)
class HeldOutFit:
    """Fit to held-out recordings, before and after.

    Args:
        words: that were held out.
        perplexities: of the words that the adapted model knew before.
        unknown: shares of unknown words.
    """

    words: int
    perplexities: tuple[float, float]
    unknown: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AdaptationSummary:
    """Size and statistics of an adapted model.

    Args:
        recordings, words: of the transcripts.
        weights: of the models [M].
        fit: None if a single recording left nothing to hold out.
        vocabulary: number of words.
        added: number of those that are new.
        ngrams: of each order.
        bytes: size of the file.
    """

    recordings: int
    words: int
    weights: tuple[float, ...]
    fit: HeldOutFit | None
    vocabulary: int
    added: int
    ngrams: tuple[int, ...]
    bytes: int


def adapt(
    base: LanguageModel,
    recordings: Iterable[Iterable[str]],
    output: Path,
    *,
    texts: Sequence[Sequence[Path]] = (),
    names: Collection[str] = (),
    prune: Sequence[int] | None = None,
    min_count: int = 2,
    memory: str = "1G",
    arpa: Path | None = None,
) -> AdaptationSummary:
    """Interpolate a model with one of transcripts and one of each kind of further text, and write it to ``output``.

    Args:
        base: the model to adapt; its order is that of the new one.
        recordings: normalized sentences of each.
        texts: further texts, by kinds: plain, ``.gz`` or ``.xz``, or ``.jsonl`` manifests.
        names: words to include even if they are rare.
        prune: for 1-grams, 2-grams, …, the count up to which those of the transcripts are left out; default:
            0, and 0,0,1 above MAX_UNPRUNED_WORDS.
        min_count: words of transcripts and texts that occur less often remain unknown.
        memory, arpa: as for ``estimate``.

    Raises:
        LanguageModelError: there is too little text, a text cannot be read, or lmplz is missing or fails.
    """
    check_settings(base.ngrams.order, prune or (0,), min_count)
    find_lmplz()
    check_files([path for kind in texts for path in kind], output, arpa)
    with lock_output(output), tempfile.TemporaryDirectory(prefix=".lm-", dir=output.parent) as folder:
        work = Path(folder)
        folds = write_folds(recordings, work)
        words = sum(fold.counts.total() for fold in folds)
        if words < MIN_WORDS:
            raise LanguageModelError(
                f"the transcripts hold {words:,} words in all, and a language model needs {MIN_WORDS:,}; "
                "add transcripts, or prefer the words that matter by --hotwords."
            )
        kinds = [write_text(work / f"text{number}", kind) for number, kind in enumerate(texts)]
        vocabulary = Vocabulary.of(base, [*folds, *kinds], names, min_count)
        settings = _Settings(work, vocabulary, base.ngrams.order, memory)
        others = [settings.estimate([kind], (0,)) for kind in kinds]
        if prune is None:
            prune = (0, 0, 1) if words > MAX_UNPRUNED_WORDS else (0,)
        weights, fit = _fit(folds, settings, prune, others, min_count)
        transcripts = settings.estimate(folds, prune)
        mixture = interpolate([vocabulary.base, transcripts, *others], weights)
        del transcripts, others
        save_model(mixture, vocabulary.names, output, arpa)
    return AdaptationSummary(
        recordings=sum(fold.sources for fold in folds),
        words=words,
        weights=tuple(weights.tolist()),
        fit=fit,
        vocabulary=len(vocabulary.names) - len(RESERVED),
        added=len(vocabulary.names) - vocabulary.known,
        ngrams=tuple(map(len, mixture.orders)),
        bytes=output.stat().st_size,
    )


@dataclass(frozen=True, eq=False)
class _Settings:
    """Settings of all estimations."""

    work: Path
    vocabulary: Vocabulary
    order: int
    memory: str

    def estimate(self, texts: Sequence[Text], prune: Sequence[int]) -> NGramModel:
        """A model of texts, in which the words that they lack have the proportions of the adapted model."""
        joined = self.work / "joined"
        with joined.open("wb") as target:
            for text in texts:
                with text.path.open("rb") as source:
                    shutil.copyfileobj(source, target)
        unseen = exp10(self.vocabulary.base.orders[0].log_probs)
        padding = ["--vocab_pad", str(len(unseen))]
        return estimate_numbered(joined, self.vocabulary.ids, unseen, self.order, prune, self.memory, *padding)


def _fit(
    folds: Sequence[Text], settings: _Settings, prune: Sequence[int], others: Sequence[NGramModel], min_count: int
) -> tuple[NDArray[np.float64], HeldOutFit | None]:
    """Weights of the models [M], fitted to recordings that the model of the transcripts has not seen."""
    vocabulary = settings.vocabulary
    count = 1 + len(others)
    if len(folds) == 1:
        return np.array([1 - UNFITTED_WEIGHT, *[UNFITTED_WEIGHT / count] * count]), None
    scores, was_known, words, unknown = [], [], 0, np.zeros(2)
    is_small = sum(fold.counts.total() for fold in folds) <= MAX_FOLDED_WORDS
    for held_out in folds if is_small else folds[:1]:
        rest = [fold for fold in folds if fold is not held_out]
        model = settings.estimate(rest, prune)
        tokens = _tokens(held_out, vocabulary, _known(rest, vocabulary, min_count))
        counted = counted_tokens(tokens)
        scores.append(np.stack([each.score(tokens)[counted] for each in (vocabulary.base, model, *others)]))
        was_known.append(tokens[counted] < vocabulary.known)
        is_word = (tokens != START) & (tokens != END)
        words += int(is_word.sum())
        unknown += [((tokens == UNKNOWN) | (tokens >= vocabulary.known)).sum(), (tokens == UNKNOWN).sum()]
    log_probs, known = np.concatenate(scores, axis=1), np.concatenate(was_known)
    weights = fit_weights([log_probs], np.array([PRIOR, *[0.0] * count]))
    if weights[0] < MIN_BASE_WEIGHT:
        weights[1:] *= (1 - MIN_BASE_WEIGHT) / weights[1:].sum()
        weights[0] = MIN_BASE_WEIGHT
    mixed = np.log10(weights @ exp10(log_probs))
    perplexities = (perplexity(log_probs[0, known]), perplexity(mixed[known]))
    return weights, HeldOutFit(words, perplexities, (float(unknown[0]) / words, float(unknown[1]) / words))


def _known(texts: Sequence[Text], vocabulary: Vocabulary, min_count: int) -> NDArray[np.bool_]:
    """Mask of the words [V] that would be known if there were only these texts."""
    counts = np.zeros(len(vocabulary.names), np.int64)
    for text in texts:
        for word, count in text.counts.items():
            counts[vocabulary.ids.get(word, UNKNOWN)] += count
    known = counts >= min_count
    known[: vocabulary.known] = True
    known[[vocabulary.ids[word] for word in vocabulary.always]] = True
    return known


def _tokens(text: Text, vocabulary: Vocabulary, known: NDArray[np.bool_]) -> Integers:
    """Ids of the words of a text; those that are not known are UNKNOWN."""
    with text.path.open(encoding="ascii") as file:
        tokens = tokens_of(islice(file, MAX_HELD_OUT_SENTENCES), vocabulary.ids)
    return np.where(known[tokens], tokens, UNKNOWN)
