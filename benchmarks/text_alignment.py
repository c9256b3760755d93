"""Errors of word times of a long recording aligned with its text, exact and edited, beside torchaudio's aligner.

    python benchmarks/text_alignment.py dev/word-times

The folder holds ``manifest.jsonl`` and ``word-times.ctm`` (utterance, channel, start, duration, word). Its utterances
are joined to one recording. In the edited text a tenth of the words is left out, a tenth replaced, and a foreign
paragraph inserted; words that remain count as wrong by 9 s if they have no time. The rival aligns the exact text with
the same emissions by ``torchaudio.functional.forced_align``. It allows no edits and crashes on recordings of this
length: it is given each utterance by itself. Speeds are seconds of audio per second of processor time, without the
network.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.recognizer import Recognizer
    from audiosearch.types import Emissions, Word

    Utterance: TypeAlias = tuple[list[Emissions], list[tuple[str, float]]]
    """Emissions, and the words with their starts."""

MISSING = 9.0
"""Seconds of error of a word without a time."""

FOREIGN = (
    "the committee of foreign delegates opened its session on a rainy tuesday and spoke at length about tariffs and "
    "the price of copper while the interpreters struggled to keep up with the many idioms of the chairman"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()

    from audiosearch.alignment.text_alignment import align_text
    from audiosearch.model_folder import find_model
    from audiosearch.recognizer import Recognizer

    with Recognizer.load(find_model(arguments.model)) as recognizer:
        utterances, recognized, duration = _join(arguments.folder, recognizer)
        alphabet = recognizer.model.alphabet
    segments = [segment for utterance, _ in utterances for segment in utterance]
    words = [word for _, texts in utterances for word in texts]
    print(f"{duration / 60:.1f} min, {len(words)} words")

    def ours(text: Sequence[str]) -> dict[int, float]:
        aligned = align_text(segments, recognized, text, alphabet)
        return {position: word.start for position, word in zip(aligned.positions, aligned.words, strict=True)}

    exact = [(text, start) for text, start in words]
    speed = _measure("audiosearch, exact text", ours, exact, duration)
    _measure("audiosearch, edited text", ours, _edited(words), duration)
    rival = _measure("torchaudio, exact text", lambda _: _torchaudio(utterances, alphabet), exact, duration)
    print(f"speed, audiosearch to torchaudio: {speed / rival:.1f}")


def _join(folder: Path, recognizer: Recognizer) -> tuple[list[Utterance], list[Word], float]:
    """Utterances one after another, recognized words, and the duration."""
    import soundfile

    from audiosearch.recognizer import Recognized

    times: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for line in (folder / "word-times.ctm").read_text().splitlines():
        utterance, _, start, _, word = line.split()[:5]
        times[utterance].append((word.replace("<unk>", "unk"), float(start)))
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    utterances: list[Utterance] = []
    recognized: list[Word] = []
    offset = 0.0
    results = recognizer.recognize([folder / row["audio"] for row in rows], with_segments=True)
    for row, result in zip(rows, results, strict=True):
        assert isinstance(result, Recognized)
        segments = [replace(segment, start=segment.start + offset) for segment in result.segments]
        recognized += [
            replace(word, start=word.start + offset, end=word.end + offset) for word in result.transcript.words
        ]
        utterances.append((segments, [(word, start + offset) for word, start in times[row["id"]]]))
        offset += soundfile.info(folder / row["audio"]).duration
    return utterances, recognized, offset


def _edited(words: Sequence[tuple[str, float]]) -> list[tuple[str, float | None]]:
    generator = random.Random(1)
    vocabulary = sorted({text for text, _ in words})
    edited: list[tuple[str, float | None]] = []
    for number, (text, start) in enumerate(words):
        if number == len(words) // 2:
            edited += [(word, None) for word in FOREIGN.split()]
        chance = generator.random()
        if chance >= 0.1:
            edited.append((generator.choice(vocabulary), None) if chance < 0.2 else (text, start))
    return edited


def _measure(
    name: str,
    aligner: Callable[[Sequence[str]], dict[int, float]],
    words: Sequence[tuple[str, float | None]],
    duration: float,
) -> float:
    """Print the errors of the words that were said; the speed."""
    import numpy as np

    began = time.process_time()
    starts = aligner([text for text, _ in words])
    seconds = time.process_time() - began
    said = [(starts.get(number), start) for number, (_, start) in enumerate(words) if start is not None]
    errors = np.array([MISSING if found is None else abs(found - start) for found, start in said])
    unsaid = [number for number, (_, start) in enumerate(words) if start is None]
    told = (
        f", {sum(number in starts for number in unsaid)} of {len(unsaid)} words not said have times" if unsaid else ""
    )
    print(
        f"{name:26} {len(said)} words said: median {1000 * np.median(errors):.0f} ms, 95 % within "
        f"{1000 * np.quantile(errors, 0.95):.0f} ms, {100 * np.mean(errors <= 0.5):.2f} % within 0.5 s{told}; "
        f"{duration / seconds:,.0f} × real time"
    )
    return duration / seconds


def _torchaudio(utterances: Sequence[Utterance], alphabet: Alphabet) -> dict[int, float]:
    import numpy as np
    import torch
    from torchaudio.functional import forced_align, merge_tokens

    starts: dict[int, float] = {}
    for segments, words in utterances:
        rows = np.concatenate([segment.log_probs for segment in segments])
        frames = np.concatenate(
            [segment.start + segment.frame_duration * np.arange(len(segment)) for segment in segments]
        )
        labels = alphabet.encode(" ".join(word for word, _ in words))
        path, scores = forced_align(torch.from_numpy(rows)[None], torch.tensor([labels]), blank=alphabet.blank)
        spans = merge_tokens(path[0], scores[0], blank=alphabet.blank)
        first = 0
        for word, _ in words:
            starts[len(starts)] = float(frames[spans[first].start])
            first += len(word) + 1
    return starts


if __name__ == "__main__":
    main()
