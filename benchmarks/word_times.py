"""Accuracy of word times, against a reference alignment.

    python benchmarks/word_times.py dev/word-times/manifest.jsonl
    python benchmarks/word_times.py dev/word-times/manifest.jsonl --model runs/mine --json

The reference is ``word-times.ctm`` beside the manifest: utterance, channel, start, duration and word in each line. Only
correctly recognized words are counted, paired by the alignment with the fewest word errors. Errors are positive if the
recognized time is late; their median is the constant offset of the network.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import jiwer
import numpy as np

from audiosearch.data.manifest import read_manifest
from audiosearch.normalizer import normalize
from audiosearch.types import Word


def read_ctm(path: Path) -> dict[str, list[Word]]:
    """Words of each utterance in order."""
    words: dict[str, list[Word]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        utterance, _, start, duration, text = line.split()[:5]
        words[utterance].append(Word(normalize(text), float(start), float(start) + float(duration), 1.0))
    return words


def correct_pairs(reference: Sequence[Word], recognized: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """Correctly recognized words, each with the word of the reference."""
    if not reference or not recognized:
        return
    reference_text, text = (" ".join(word.text for word in words) for words in (reference, recognized))
    for chunk in jiwer.process_words(reference_text, text).alignments[0]:
        if chunk.type == "equal":
            yield from zip(
                reference[chunk.ref_start_idx : chunk.ref_end_idx],
                recognized[chunk.hyp_start_idx : chunk.hyp_end_idx],
                strict=True,
            )


def summary(errors: Sequence[float]) -> dict[str, float]:
    """Median of errors in seconds, and median and 95th percentile of their absolute values."""
    size = np.abs(errors)
    return {
        "offset": float(np.median(errors)),
        "median": float(np.median(size)),
        "percentile_95": float(np.percentile(size, 95)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--ctm", type=Path, help="default: word-times.ctm beside the manifest")
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--json", action="store_true", help="one JSON object, in seconds")
    arguments = parser.parse_args()
    reference = read_ctm(arguments.ctm or arguments.manifest.parent / "word-times.ctm")
    utterances = [utterance for utterance in read_manifest(arguments.manifest) if utterance.id in reference]

    from audiosearch.recognizer import Recognizer, Unreadable

    pairs: list[tuple[Word, Word]] = []
    with Recognizer.load(arguments.model) as recognizer:
        results = recognizer.recognize(utterance.audio for utterance in utterances)
        for utterance, result in zip(utterances, results, strict=True):
            if isinstance(result, Unreadable):
                raise result.error
            pairs += correct_pairs(reference[utterance.id], result.transcript.words)
    if not pairs:
        sys.exit("no word was recognized correctly.")
    spoken = sum(len(reference[utterance.id]) for utterance in utterances)
    starts = summary([word.start - reference_word.start for reference_word, word in pairs])
    ends = summary([word.end - reference_word.end for reference_word, word in pairs])
    if arguments.json:
        counts = {"utterances": len(utterances), "words": spoken, "correct": len(pairs)}
        print(json.dumps({**counts, "starts": starts, "ends": ends}))
        return
    print(f"{len(utterances)} utterances, {spoken} words, {len(pairs)} recognized correctly; milliseconds:")
    print(f"{'':8}  median error  95th percentile  constant offset")
    for edge, errors in (("starts", starts), ("ends", ends)):
        median, p95, offset = (round(1000 * errors[name]) for name in ("median", "percentile_95", "offset"))
        print(f"{edge:8}  {median:12}  {p95:15}  {offset:+15}")


if __name__ == "__main__":
    main()
