"""How well and how fast audiosearch hears, beside pocketsphinx with the English model in its wheel.

    pip install 'audiosearch[bench]'
    python benchmarks/recognisers.py dev/librispeech/manifest.jsonl dev/commonvoice/manifest.jsonl --limit 100

Both read the same files in the same run, one after the other, on the same cores: audiosearch as it indexes them,
pocketsphinx with its own settings in one process for each core. Models are loaded before the clock starts. Speed is
told by the clock, and by processor time, which other work on the machine disturbs less; that counts the starting of
processes too. Texts are compared after the same normalisation.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the processes import this file, and must not load torch for it
    from audiosearch.training.manifest import Utterance

RATE = 16000
"""What pocketsphinx's model was trained on."""


@dataclass(frozen=True)
class Result:
    """Texts of some files, and the seconds it took by the clock and on all cores."""

    texts: list[str]
    elapsed: float
    processor: float


def processor_seconds() -> float:
    """Of this process, and of those it started that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def run_audiosearch(model: Path | None, files: Sequence[Path], processes: int) -> Result:
    """Recognise files by audiosearch."""
    from audiosearch.recognizer import Recognizer, Unreadable

    with Recognizer.load(model, processes=processes) as recognizer:
        recognizer.transcribe(files[0])  # the decoder's processes are started by their first work
        started, before = time.perf_counter(), processor_seconds()
        texts = []
        for result in recognizer.recognise(files):
            if isinstance(result, Unreadable):
                raise result.error
            texts.append(result.transcript.text)
        elapsed = time.perf_counter() - started
    return Result(texts, elapsed, processor_seconds() - before)


def run_pocketsphinx(files: Sequence[Path], processes: int) -> Result:
    """Recognise files by pocketsphinx."""
    before = processor_seconds()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    with context.Pool(processes, _begin, (ready,)) as pool:
        ready.wait()
        started = time.perf_counter()
        texts = pool.map(_recognise, files, chunksize=1)
        elapsed = time.perf_counter() - started
        pool.close()
        pool.join()
    return Result(texts, elapsed, processor_seconds() - before)


_decoder: Any = None


def _begin(ready: Barrier) -> None:
    global _decoder
    from pocketsphinx import Decoder

    _decoder = Decoder(samprate=RATE, loglevel="FATAL")
    ready.wait()


def _recognise(path: Path) -> str:
    import numpy as np

    from audiosearch.audio import read

    samples = (np.clip(read(path, RATE), -1, 1) * 32767).astype(np.int16)
    _decoder.start_utt()
    _decoder.process_raw(samples.tobytes(), no_search=False, full_utt=True)
    _decoder.end_utt()
    hypothesis = _decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def compare(name: str, utterances: Sequence[Utterance], model: Path | None, processes: int) -> None:
    """Recognise a set by both and print the table."""
    from audiosearch.audio import probe
    from audiosearch.metrics import character_errors, word_errors
    from audiosearch.text import normalise

    # the longest first: those of like length share a batch, and no core is left with a long one at the end
    durations = {utterance.audio: probe(utterance.audio).duration for utterance in utterances}
    utterances = sorted(utterances, key=lambda utterance: -durations[utterance.audio])
    files = [utterance.audio for utterance in utterances]
    seconds = sum(durations.values())
    spoken = [utterance.text for utterance in utterances]

    def measures(result: Result) -> list[float]:
        heard = [normalise(text) for text in result.texts]
        errors = (word_errors(spoken, heard).rate, character_errors(spoken, heard).rate)
        return [*errors, seconds / result.elapsed, seconds / result.processor]

    ours = measures(run_audiosearch(model, files, processes))
    theirs = measures(run_pocketsphinx(files, processes))
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    print(f"\n{name}: {len(utterances)} utterances, {seconds / 3600:.2f} h")
    print(f"{'':14}  word errors  character errors  × real time  × by processor time")
    for who, (words, characters, realtime, core) in (("audiosearch", ours), ("pocketsphinx", theirs)):
        print(f"{who:14}  {words:11.1%}  {characters:16.1%}  {realtime:11.1f}  {core:19.1f}")
    words, characters, realtime, core = ratios
    print(f"{'ours to theirs':14}  {words:11.2f}  {characters:16.2f}  {realtime:11.1f}  {core:19.1f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST", type=Path)
    parser.add_argument("--limit", type=int, help="utterances of each manifest, evenly drawn; all unless given")
    parser.add_argument("--model", type=Path, help="file or folder; the one that is installed unless given")
    parser.add_argument("--cores", type=int, help="all unless given")
    arguments = parser.parse_args()

    if arguments.cores and hasattr(os, "sched_setaffinity"):  # before torch counts them; processes inherit it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    import importlib.metadata

    import torch

    from audiosearch.pool import cores
    from audiosearch.training.manifest import read_manifest

    try:
        version = importlib.metadata.version("pocketsphinx")
    except importlib.metadata.PackageNotFoundError:
        sys.exit("pocketsphinx is not installed; pip install 'audiosearch[bench]'.")
    manifests = [read_manifest(path) for path in arguments.manifests]
    processes = cores()
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {processes} cores for each; torch {torch.__version__}, pocketsphinx {version}", flush=True)
    for path, utterances in zip(arguments.manifests, manifests, strict=True):
        count = min(arguments.limit or len(utterances), len(utterances))
        drawn = [utterances[number * len(utterances) // count] for number in range(count)]
        compare(str(path), drawn, arguments.model, processes)


if __name__ == "__main__":
    main()
