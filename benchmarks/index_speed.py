"""Time by stage, and memory, of indexing a long recording.

    python benchmarks/index_speed.py --hours 3
    python benchmarks/index_speed.py --hours 0.5 --model runs/mine --audio ~/Podcasts
    python benchmarks/index_speed.py --hours 0.33 --against ~/audiosearch-e44ab8d ~/audiosearch-e44ab8d/.venv/bin/python

The recording is a repetition of ``--audio`` (default: the example podcasts), and is indexed into an empty SQLite store.
Stages run in parallel; their shares are of processor time. For comparison the network alone is run on a part of the
recording, in its configured precision and in fp32. With ``--against``, `index` of this checkout and of another, with
its own model and Python, run by turns as whole processes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.recognizer import Recognizer

STAGES = ("read", "features", "network", "stitch", "decode", "index")
RATE = 16000
PODCASTS = Path(__file__).parent.parent / "examples" / "podcasts"


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


def _first(path: Path, rate: int, seconds: float) -> Iterator[NDArray[np.float32]]:
    """First blocks of a recording."""
    from audiosearch.audio.reader import read_blocks

    return itertools.islice(read_blocks(path, rate), max(round(seconds / 30), 1))


def compare(checkout: Path, python: str, model: Path, path: Path, seconds: float, rounds: int = 3) -> None:
    """Print wall and processor times of `index` in two checkouts, medians of rounds by turns, and their ratios."""
    here = Path(__file__).parents[1]
    commands = {
        "checkout": (checkout, python, []),
        "this": (here, sys.executable, ["--model", str(model)]),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (folder, interpreter, options) in commands.items():
            with tempfile.TemporaryDirectory() as store:
                command = [interpreter, "cli.py", "index", str(path), "--store", f"{store}/index.db", *options]
                before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                environment = {**os.environ, "PYTHONPATH": str(folder)}
                subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
                wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
                used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                times[name].append((wall, used))
    medians = {name: [statistics.median(values) for values in zip(*runs, strict=True)] for name, runs in times.items()}
    for name, (wall, used) in medians.items():
        print(f"  {name:9} {wall:7.1f} s, {seconds / wall:6.1f} × real time, {used:7.1f} processor seconds")
    (old_wall, old_used), (wall, used) = medians["checkout"], medians["this"]
    print(f"  ratio     {old_wall / wall:7.2f} by the clock, {old_used / used:.2f} of processor time")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--audio", type=Path, default=PODCASTS, help="folder or file to repeat")
    parser.add_argument("--threads", type=int, help="threads for decoding (default: one for each core)")
    parser.add_argument("--against", nargs=2, metavar=("CHECKOUT", "PYTHON"), help="another checkout to compare with")
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
        recognizer = Recognizer.load(model, threads=arguments.threads)
        loaded = time.perf_counter()
        before = time.process_time()
        with recognizer, open_index(str(Path(folder) / "index.db"), create=True) as index:
            transcript = recognizer.transcribe(path)
            recognized = time.thread_time()
            location = Location(str(path), path.stat().st_size, path.stat().st_mtime_ns)
            recording = Recording("benchmark", (location,), transcript.duration, recognizer.fingerprint, "2000-01-01")
            index.add(recording, transcript.words)
            recognizer.times.add("index", time.thread_time() - recognized)
            elapsed = time.perf_counter() - loaded
        used = time.process_time()
        print(
            f"{transcript.duration / 3600:.2f} h, {len(transcript.words)} words: indexed in {elapsed:.1f} s, "
            f"{transcript.duration / elapsed:.1f} × real time; the model loads in {loaded - started:.1f} s"
        )
        seconds = recognizer.times.seconds
        seconds["other"] = max(used - before - sum(seconds.values()), 0.0)
        total = sum(seconds.values())
        for stage in (*STAGES, "other"):
            share = seconds.get(stage, 0.0)
            print(f"  {stage:9} {share:8.1f} processor seconds  {share / total:6.1%}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"peak memory: {peak:.2f} GB")
        with Recognizer.load(model, threads=1) as recognizer:
            measure_network(recognizer, path, min(arguments.hours * 60, 10.0))
        if arguments.against:
            checkout, python = arguments.against
            compare(Path(checkout).resolve(), python, model, path, transcript.duration)


if __name__ == "__main__":
    main()
