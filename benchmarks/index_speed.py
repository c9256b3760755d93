"""Time by stage, and memory, of indexing a long recording.

    python benchmarks/index_speed.py --hours 3
    python benchmarks/index_speed.py --hours 0.5 --model runs/mine --audio ~/Podcasts

The recording is a repetition of ``--audio`` (default: the example podcasts), and is indexed into an empty SQLite store.
Stages run in parallel; their shares are of processor time. For comparison the network alone is run on a part of the
recording, in its configured precision and in fp32.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # decoder processes import this file, and must not load torch
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.recognizer import Recognizer

STAGES = ("read", "features", "network", "stitch", "decode", "index")
RATE = 16000
PODCASTS = Path(__file__).parent.parent / "examples" / "podcasts"


@dataclass(frozen=True)
class Usage:
    """Processor seconds of this process, and of decoder processes that have ended."""

    own: float
    decoders: float

    @staticmethod
    def now() -> Usage:
        """Usage until now."""
        own, children = (resource.getrusage(target) for target in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return Usage(own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime)


def make_recording(path: Path, audio: Path, hours: float) -> None:
    """Write a FLAC file of a duration by repeating the files of a folder, or one file."""
    import numpy as np
    import soundfile

    from audiosearch.audio.reader import is_audio, read

    files = [audio] if audio.is_file() else sorted(file for file in audio.rglob("*") if file.is_file())
    files = [file for file in files if is_audio(file)]
    if not files:
        sys.exit(f"{audio}: holds no audio; give a folder or file by --audio.")
    remaining = round(hours * 3600 * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC", subtype="PCM_16") as sound:
        for file in itertools.cycle(files):
            samples = np.clip(read(file, RATE)[:remaining], -1, 1)
            sound.write(samples)
            remaining -= len(samples)
            if not remaining:
                return


def measure_network(recognizer: Recognizer, path: Path, minutes: float) -> None:
    """Print the speed of features and network alone, in the configured precision and in fp32."""
    from audiosearch.acoustic.inference import Inference, WindowInput

    def windows() -> Iterator[WindowInput[int]]:
        for number, samples in enumerate(recognizer.pipeline.grid.cut(_first(path, rate, minutes * 60))):
            yield WindowInput(number, samples)

    rate = recognizer.model.config.features.sample_rate
    for precision in dict.fromkeys([recognizer.window.precision, "fp32"]):
        window = recognizer.window.model_copy(update={"precision": precision})
        inference = Inference(recognizer.model, recognizer.pipeline.grid, window)
        started = time.perf_counter()
        for _ in inference.run(windows()):
            pass
        speed = minutes * 60 / (time.perf_counter() - started)
        print(f"network alone, {inference.precision}: {speed:8.1f} × real time ({inference.device})")
        inference.close()


def _peaks_of_children() -> Iterator[float]:
    """Peak memory in GB of each decoder process (Linux only).

    getrusage cannot be used: for a child it includes the memory of its parent at the start.
    """
    for child in multiprocessing.active_children():
        status = Path(f"/proc/{child.pid}/status")
        for line in status.read_text().splitlines() if status.exists() else ():
            if line.startswith("VmHWM:"):
                yield int(line.split()[1]) / 1e6


def _first(path: Path, rate: int, seconds: float) -> Iterator[NDArray[np.float32]]:
    """First blocks of a recording."""
    from audiosearch.audio.reader import read_blocks

    return itertools.islice(read_blocks(path, rate), max(round(seconds / 30), 1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--audio", type=Path, default=PODCASTS, help="folder or file to repeat")
    parser.add_argument("--processes", type=int, help="decoder processes (default: one for each core)")
    arguments = parser.parse_args()

    import torch

    from audiosearch.model_folder import find_model
    from audiosearch.parallel import cores
    from audiosearch.recognizer import Recognizer
    from indexer.index import open_index
    from indexer.types import Location, Recording

    model = find_model(arguments.model)
    print(f"{platform.processor() or platform.machine()}, {cores()} cores, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.flac"
        make_recording(path, arguments.audio, arguments.hours)
        started = time.perf_counter()
        recognizer = Recognizer.load(model, processes=arguments.processes)
        loaded = time.perf_counter()
        before = Usage.now()
        with recognizer, open_index(str(Path(folder) / "index.db"), create=True) as index:
            transcript = recognizer.transcribe(path)
            recognized = time.thread_time()
            location = Location(str(path), path.stat().st_size, path.stat().st_mtime_ns)
            recording = Recording("benchmark", (location,), transcript.duration, recognizer.fingerprint, "2000-01-01")
            index.add(recording, transcript.words)
            recognizer.times.add("index", time.thread_time() - recognized)
            elapsed = time.perf_counter() - loaded
            decoders = [f"{memory:.2f} GB" for memory in _peaks_of_children()]
        used = Usage.now()
        recognizer.times.add("decode", used.decoders - before.decoders)
        print(
            f"{transcript.duration / 3600:.2f} h, {len(transcript.words)} words: indexed in {elapsed:.1f} s, "
            f"{transcript.duration / elapsed:.1f} × real time; the model loads in {loaded - started:.1f} s"
        )
        seconds = recognizer.times.seconds
        seconds["other"] = max(used.own - before.own + used.decoders - before.decoders - sum(seconds.values()), 0.0)
        total = sum(seconds.values())
        for stage in (*STAGES, "other"):
            share = seconds.get(stage, 0.0)
            print(f"  {stage:9} {share:8.1f} processor seconds  {share / total:6.1%}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"peak memory: {peak:.2f} GB; decoder processes: {', '.join(decoders) or 'none'}")
        with Recognizer.load(model, processes=1) as recognizer:
            measure_network(recognizer, path, min(arguments.hours * 60, 10.0))


if __name__ == "__main__":
    main()
