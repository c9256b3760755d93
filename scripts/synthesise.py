"""Synthetic speech with transcripts: sentences of a text, read by flite's and espeak-ng's English voices.

Every utterance draws a voice, a rate and a pitch from a generator seeded by its number, so that a run can be
repeated and spread over processes. Needs the Debian packages flite and espeak-ng.

    python scripts/synthesise.py books.txt.xz --hours 5 --output synthetic/
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import soxr

from audiosearch.text import normalise

SAMPLE_RATE = 16000
FLITE_VOICES = {"awb": 130, "rms": 95, "slt": 170, "kal16": 105, "kal": 105}
"""Voices and the mean pitch in Hz around which it is drawn."""
ESPEAK_VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
ESPEAK_VARIANTS = ("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8")
FLITE_SHARE = 0.7


def sentences(path: Path, seed: int) -> Iterator[str]:
    """Normalised sentences of 3 to 25 words, in a random but repeatable order."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as lines:
        kept = [line for line in lines if 3 <= line.count(" ") + 1 <= 25]
    random.Random(seed).shuffle(kept)
    return (text for text in map(normalise, kept) if text)


def speak(text: str, seed: int, target: Path) -> tuple[str, float]:
    """Read ``text`` into ``target``; returns the voice and the seconds written."""
    draw = random.Random(seed)
    raw = target.with_suffix(".wav")
    if draw.random() < FLITE_SHARE:
        voice = draw.choice(list(FLITE_VOICES))
        pitch = FLITE_VOICES[voice] * draw.uniform(0.8, 1.3)
        options = [f"duration_stretch={draw.uniform(0.8, 1.3):.2f}", f"int_f0_target_mean={pitch:.0f}"]
        command = ["flite", "-voice", voice, "--setf", options[0], "--setf", options[1], "-t", text, "-o", str(raw)]
    else:
        voice = draw.choice(ESPEAK_VOICES) + draw.choice(ESPEAK_VARIANTS)
        rate, pitch = draw.randint(120, 200), draw.randint(25, 75)
        command = ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "-w", str(raw), text]
    subprocess.run(command, check=True, capture_output=True)
    samples, rate = soundfile.read(raw, dtype="float32")
    raw.unlink()
    samples = soxr.resample(samples, rate, SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(samples) > 1e-3)
    samples = samples[max(int(loud[0]) - 1600, 0) : int(loud[-1]) + 1600]
    samples *= 0.5 / max(float(np.abs(samples).max()), 1e-4)
    soundfile.write(target, samples, SAMPLE_RATE)
    return voice, len(samples) / SAMPLE_RATE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="sentences, one a line (.xz or plain)")
    parser.add_argument("--output", type=Path, required=True, help="folder for audio/ and manifest.jsonl")
    parser.add_argument("--hours", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    audio = arguments.output / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    seconds, number = 0.0, 0
    source = sentences(arguments.text, arguments.seed)
    with (arguments.output / "manifest.jsonl").open("w") as manifest, ThreadPoolExecutor(arguments.threads) as pool:
        while seconds < arguments.hours * 3600 and (texts := list(islice(source, 200))):
            names = [f"{arguments.seed}-{number + i:06d}" for i in range(len(texts))]
            seeds = [arguments.seed * 10_000_000 + number + i for i in range(len(texts))]
            spoken = pool.map(speak, texts, seeds, [audio / f"{name}.flac" for name in names])
            for name, text, (voice, duration) in zip(names, texts, spoken, strict=True):
                row = {"audio": f"audio/{name}.flac", "text": text, "duration": round(duration, 3)}
                manifest.write(json.dumps({**row, "speaker": f"synthetic-{voice}", "id": name}) + "\n")
                seconds += duration
            number += len(texts)
            print(f"{seconds / 3600:.2f} h, {number} utterances", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
