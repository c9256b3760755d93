"""What hot words do: how many are written that were not, how many where nobody says them, and what decoding costs.

    python benchmarks/hot_words.py dev/*/manifest.jsonl
    python benchmarks/hot_words.py dev.jsonl --words 50 --weight 1.0

The hot words are those of the references that the language model does not know, drawn at random, and where these are
too few the rarest that it knows. Utterances in which one is said are read beside others in which none is, without the
list and with it, from the same emissions, in one process. A word is found as often as it is written of those that say
it.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.alignment.forced_alignment import align
from audiosearch.data.manifest import Utterance, read_manifest
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.evaluation.metrics import word_errors
from audiosearch.recognizer import Recognizer
from audiosearch.types import Emissions

LETTERS = 5
"""Known words that fill the list have at least so many."""


@dataclass(frozen=True)
class Read:
    """What was written of all utterances, and how long decoding and looking for alternatives took on one core."""

    texts: list[str]
    seconds: float


def drawn(utterances: Sequence[Utterance], vocabulary: Sequence[str], count: int, seed: int) -> list[str]:
    """The hot words."""
    rank = {word: place for place, word in enumerate(vocabulary)}
    said = {word for utterance in utterances for word in utterance.text.split()}
    unknown = sorted(said - rank.keys())
    random.Random(seed).shuffle(unknown)
    rare = sorted((word for word in said & rank.keys() if len(word) >= LETTERS), key=lambda word: -rank[word])
    return [*unknown, *rare][:count]


def read(recognizer: Recognizer, emissions: Sequence[Sequence[Emissions]], hot: Sequence[str], weight: float) -> Read:
    """All utterances, by a search that prefers those words."""
    alphabet = recognizer.model.alphabet
    config = recognizer.decoder.model_copy(update={"hotword_weight": weight})
    decoder = BeamDecoder(alphabet, config, recognizer.language_model, hot)
    decoder.prepare()
    texts, seconds = [], 0.0
    for stretches in emissions:
        words: list[str] = []
        for stretch in stretches:
            started = time.thread_time()
            hypothesis = decoder.decode_with_alternatives(stretch)
            seconds += time.thread_time() - started
            aligned = align(stretch, hypothesis.text, alphabet)
            words += (word.text for word in recognizer.calibration.rescore(aligned, hypothesis.slots, frozenset(hot)))
        texts.append(" ".join(words))
    return Read(texts, seconds)


def tallied(spoken: Sequence[str], written: Sequence[str], hot: Collection[str]) -> tuple[int, int, int]:
    """How often hot words are said, written where they are said, and written where not."""
    said = found = wrong = 0
    for reference, text in zip(spoken, written, strict=True):
        there, here = (Counter(word for word in one.split() if word in hot) for one in (reference, text))
        both = (there & here).total()
        said, found, wrong = said + there.total(), found + both, wrong + here.total() - both
    return said, found, wrong


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST", type=Path)
    parser.add_argument("--model", type=Path, help="file or folder; the one that is installed unless given")
    parser.add_argument("--words", type=int, default=200, help="in the list")
    parser.add_argument("--weight", type=float, help="hotword_weight; the model's unless given")
    parser.add_argument("--with", dest="holding", type=int, default=150, help="utterances in which one is said")
    parser.add_argument("--without", type=int, default=100, help="utterances in which none is")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    utterances = [utterance for manifest in arguments.manifests for utterance in read_manifest(manifest)]
    with Recognizer.load(arguments.model) as recognizer:
        if recognizer.language_model is None:
            parser.error("the model has no language model, without which there is no search that could prefer words")
        hot = drawn(utterances, recognizer.language_model.words, arguments.words, arguments.seed)
        random.Random(arguments.seed).shuffle(utterances)
        holds = [not set(hot).isdisjoint(utterance.text.split()) for utterance in utterances]
        holding = [one for one, holds_one in zip(utterances, holds, strict=True) if holds_one][: arguments.holding]
        others = [one for one, holds_one in zip(utterances, holds, strict=True) if not holds_one][: arguments.without]
        chosen = [*holding, *others]
        emissions = [list(recognizer.emissions(utterance.audio)) for utterance in chosen]
        weight = recognizer.decoder.hotword_weight if arguments.weight is None else arguments.weight
        plain, preferring = (read(recognizer, emissions, words, weight) for words in ((), hot))
    spoken = [utterance.text for utterance in chosen]
    known = len(set(hot) & set(recognizer.language_model.words))
    print(f"{len(hot)} hot words, of which the language model knows {known}, weight {weight:g} a letter")
    print(f"{len(holding)} utterances in which one is said, and {len(others)} others")
    print(f"{'':12}  {'said':>5}  {'found':>5}  {'wrong':>5}  {'word errors':>11}  {'seconds of a core':>17}")
    for name, result in (("without", plain), ("with", preferring)):
        said, found, wrong = tallied(spoken, result.texts, frozenset(hot))
        errors = word_errors(spoken, result.texts).rate
        print(f"{name:12}  {said:5}  {found:5}  {wrong:5}  {errors:11.1%}  {result.seconds:17.1f}")
    print(f"time with to time without: {preferring.seconds / plain.seconds:.2f}")


if __name__ == "__main__":
    main()
