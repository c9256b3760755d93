"""Word errors with a language model adapted to other recordings of the same kind (``audiosearch lm --from``).

    python benchmarks/library_language_model.py dev/*/manifest.jsonl --by speaker
    python benchmarks/library_language_model.py dev/interviews/manifest.jsonl --by speaker --by recording

The groups of each manifest, its speakers or recordings, are split into two halves. Each half in turn is a library of
which the words are known; the other half is decoded with the model as it is and with the one adapted to the library,
from the same emissions. Intervals are bootstrapped over groups, or over utterances if there are fewer than twelve.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from audiosearch.data.manifest import Utterance, read_manifest
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.evaluation.metrics import word_errors
from audiosearch.language_model.adaptation import adapt
from audiosearch.language_model.adapted_folder import fit_sentence
from audiosearch.language_model.model import MODEL_NAME, LanguageModel
from audiosearch.recognizer import Recognizer
from audiosearch.types import Emissions

RESAMPLES = 2000
MIN_GROUPS = 12


def recording(utterance: Utterance) -> str:
    """Name of an audio file without the number of the utterance at its end."""
    return re.sub(r"[-_]\d+$", "", Path(utterance.audio).stem)


def decode(recognizer: Recognizer, model: LanguageModel, emissions: Sequence[Sequence[Emissions]]) -> list[str]:
    """Texts of utterances."""
    decoder = BeamDecoder(recognizer.model.alphabet, recognizer.decoder, model, ())
    texts = ([decoder.decode_with_alternatives(segment).text for segment in segments] for segments in emissions)
    return [" ".join(filter(None, text)) for text in texts]


def split(utterances: Sequence[Utterance], names: Sequence[str]) -> dict[str, int]:
    """Half of each group, 0 or 1, with about as many words in both."""
    sizes: Counter[str] = Counter()
    for utterance, name in zip(utterances, names, strict=True):
        sizes[name] += len(utterance.text.split())
    halves, words = {}, [0, 0]
    for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        halves[name] = words.index(min(words))
        words[halves[name]] += size
    return halves


def interval(changes: Sequence[tuple[str, int, int]]) -> tuple[float, float]:
    """95 % interval of the change of the word error rate, of (group, change of errors, words) of utterances."""
    groups: dict[str, list[int]] = {}
    by_group = len({group for group, _, _ in changes}) >= MIN_GROUPS
    for number, (group, change, words) in enumerate(changes):
        total = groups.setdefault(group if by_group else str(number), [0, 0])
        total[0] += change
        total[1] += words
    sums, chance = list(groups.values()), random.Random(0)
    rates = []
    for _ in range(RESAMPLES):
        drawn = chance.choices(sums, k=len(sums))
        rates.append(sum(change for change, _ in drawn) / sum(words for _, words in drawn))
    rates.sort()
    return rates[RESAMPLES // 40], rates[-RESAMPLES // 40]


def measure(recognizer: Recognizer, manifest: Path, kinds: Sequence[str]) -> None:
    """Measure a set, split by each kind of group, and print."""
    assert recognizer.language_model is not None
    utterances = read_manifest(manifest)
    emissions = [list(recognizer.emissions(utterance.audio)) for utterance in utterances]
    plain = decode(recognizer, recognizer.language_model, emissions)
    for kind in kinds:
        names = [recording(each) if kind == "recording" else str(each.speaker) for each in utterances]
        halves = split(utterances, names)
        print(f"{manifest.parent.name}: {len(utterances)} utterances, halves of {len(halves)} {kind}s")
        changes, before, after, words = [], 0, 0, 0
        for half in (0, 1) if len(halves) > 1 else ():
            library: dict[str, list[str]] = {}
            for utterance, name in zip(utterances, names, strict=True):
                if halves[name] == half:
                    library.setdefault(name, []).append(utterance.text)
            others = [number for number, name in enumerate(names) if halves[name] != half]
            with tempfile.TemporaryDirectory() as folder:
                summary = adapt(recognizer.language_model, library.values(), Path(folder) / MODEL_NAME)
                print(f"  {summary.words:,} words with weight {1 - summary.weights[0]:.2f}. {fit_sentence(summary)}")
                adapted = decode(recognizer, LanguageModel.load(Path(folder)), [emissions[n] for n in others])
            for number, text in zip(others, adapted, strict=True):
                reference = utterances[number].text
                old, new = (word_errors([reference], [each]).errors for each in (plain[number], text))
                size = len(reference.split())
                before, after, words = before + old, after + new, words + size
                changes.append((names[number], new - old, size))
        if words:
            low, high = interval(changes)
            change = f"{(after - before) / words:+.2%} ({low:+.2%} to {high:+.2%})"
            print(f"  word errors {before / words:.2%} before, {after / words:.2%} after, {change}", flush=True)


def main() -> None:
    """Measure all sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST", type=Path)
    parser.add_argument("--by", choices=["speaker", "recording"], action="append", help="default: speaker")
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    arguments = parser.parse_args()
    with Recognizer.load(arguments.model) as recognizer:
        if recognizer.language_model is None:
            parser.error("the model has no language model to adapt")
        for manifest in arguments.manifests:
            measure(recognizer, manifest, arguments.by or ["speaker"])


if __name__ == "__main__":
    main()
