"""Effect of hot words: occurrences recognized, false insertions, and the cost of decoding.

    python benchmarks/hot_words.py dev/*/manifest.jsonl
    python benchmarks/hot_words.py dev.jsonl --words 50 --weight 1.0

The hot words are words of the references that are not in the vocabulary of the language model, drawn at random, and the
rarest in the vocabulary if these are too few. Utterances with hot words and utterances without any are decoded with and
without the list, from the same emissions, in one process. An occurrence is found if the text of its utterance contains
the word as often as it is said.
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

MIN_LETTERS = 5
"""Minimum length of words of the vocabulary in the list."""


@dataclass(frozen=True)
class Decoded:
    """Texts of all utterances, and the processor seconds for decoding with alternatives."""

    texts: list[str]
    seconds: float


def draw_hotwords(utterances: Sequence[Utterance], vocabulary: Sequence[str], count: int, seed: int) -> list[str]:
    """Hot words: out-of-vocabulary words first, then rare ones."""
    rank = {word: position for position, word in enumerate(vocabulary)}
    spoken = {word for utterance in utterances for word in utterance.text.split()}
    unknown = sorted(spoken - rank.keys())
    random.Random(seed).shuffle(unknown)
    rare = sorted((word for word in spoken & rank.keys() if len(word) >= MIN_LETTERS), key=lambda word: -rank[word])
    return [*unknown, *rare][:count]


def decode(
    recognizer: Recognizer, emissions: Sequence[Sequence[Emissions]], hot: Sequence[str], weight: float
) -> Decoded:
    """Decode all utterances with hot words."""
    alphabet = recognizer.model.alphabet
    config = recognizer.decoder.model_copy(update={"hotword_weight": weight})
    decoder = BeamDecoder(alphabet, config, recognizer.language_model, hot)
    texts, seconds = [], 0.0
    for segments in emissions:
        words: list[str] = []
        for segment in segments:
            started = time.thread_time()
            hypothesis = decoder.decode_with_alternatives(segment)
            seconds += time.thread_time() - started
            aligned = align(segment, hypothesis.text, alphabet)
            words += (word.text for word in recognizer.calibration.rescore(aligned, hypothesis.slots, frozenset(hot)))
        texts.append(" ".join(words))
    return Decoded(texts, seconds)


def count_hotwords(references: Sequence[str], texts: Sequence[str], hot: Collection[str]) -> tuple[int, int, int]:
    """Occurrences of hot words in the references, those recognized, and false ones."""
    occurrences = correct = false = 0
    for reference, text in zip(references, texts, strict=True):
        spoken, recognized = (Counter(word for word in words.split() if word in hot) for words in (reference, text))
        common = (spoken & recognized).total()
        occurrences += spoken.total()
        correct += common
        false += recognized.total() - common
    return occurrences, correct, false


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST", type=Path)
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--words", type=int, default=200, help="number of hot words")
    parser.add_argument("--weight", type=float, help="hotword_weight (default: that of the model)")
    parser.add_argument("--with", dest="holding", type=int, default=150, help="utterances with hot words")
    parser.add_argument("--without", type=int, default=100, help="utterances without hot words")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    utterances = [utterance for manifest in arguments.manifests for utterance in read_manifest(manifest)]
    with Recognizer.load(arguments.model) as recognizer:
        if recognizer.language_model is None:
            parser.error("the model has no language model, which hot words require")
        hot = draw_hotwords(utterances, recognizer.language_model.words, arguments.words, arguments.seed)
        random.Random(arguments.seed).shuffle(utterances)
        holds = [not set(hot).isdisjoint(utterance.text.split()) for utterance in utterances]
        pairs = list(zip(utterances, holds, strict=True))
        holding = [utterance for utterance, has_hotword in pairs if has_hotword][: arguments.holding]
        without = [utterance for utterance, has_hotword in pairs if not has_hotword][: arguments.without]
        chosen = [*holding, *without]
        emissions = [list(recognizer.emissions(utterance.audio)) for utterance in chosen]
        weight = recognizer.decoder.hotword_weight if arguments.weight is None else arguments.weight
        plain, preferring = (decode(recognizer, emissions, words, weight) for words in ((), hot))
    spoken = [utterance.text for utterance in chosen]
    known = len(set(hot) & set(recognizer.language_model.words))
    print(f"{len(hot)} hot words, {known} of them in the vocabulary, weight {weight:g} per letter")
    print(f"{len(holding)} utterances with hot words, {len(without)} without")
    print(f"{'':12}  {'said':>5}  {'found':>5}  {'false':>5}  {'word errors':>11}  {'processor seconds':>17}")
    for name, result in (("without", plain), ("with", preferring)):
        occurrences, correct, false = count_hotwords(spoken, result.texts, frozenset(hot))
        errors = word_errors(spoken, result.texts).rate
        print(f"{name:12}  {occurrences:5}  {correct:5}  {false:5}  {errors:11.1%}  {result.seconds:17.1f}")
    print(f"time with hot words / without: {preferring.seconds / plain.seconds:.2f}")


if __name__ == "__main__":
    main()
