"""Synthesize the example episodes of ``examples/podcasts/episodes.yaml`` by flite and espeak-ng, as Opus files.

Each episode opens with a chime, has half a second of silence between speakers, and a little background noise.
Needs the Debian packages flite and espeak-ng.

    python scripts/make_podcasts.py
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
import yaml
from numpy.typing import NDArray

SAMPLE_RATE = 24000
FOLDER = Path(__file__).resolve().parent.parent / "examples" / "podcasts"
FLITE_VOICES = ("awb", "rms", "slt", "kal16")


def speech(voice: str, text: str) -> NDArray[np.float32]:
    """Synthesize ``text`` with a voice of flite, or otherwise of espeak-ng, at SAMPLE_RATE."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        if voice in FLITE_VOICES:
            command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        else:
            command = ["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), text]
        subprocess.run(command, check=True)
        samples, rate = soundfile.read(path, dtype="float32")
    resampled = np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), np.float32)
    scaled: NDArray[np.float32] = resampled * np.float32(0.4 / np.abs(resampled).max())
    return scaled


def chime() -> NDArray[np.float32]:
    """Three descending notes in two seconds."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    notes = [(0.0, 659.3), (0.35, 523.3), (0.7, 392.0)]
    tones = [
        np.sin(2 * np.pi * hz * (time - start)) * np.exp(-4 * (time - start)) * (time >= start) for start, hz in notes
    ]
    mixture: NDArray[np.float32] = (0.15 * np.sum(tones, axis=0)).astype(np.float32)
    return mixture


def main() -> int:
    """Write all episodes."""
    noise = np.random.default_rng(1)
    for episode in yaml.safe_load((FOLDER / "episodes.yaml").read_text(encoding="utf-8")):
        pause = np.zeros(SAMPLE_RATE // 2, np.float32)
        parts = [chime()]
        for voice, text in episode["lines"]:
            parts += [pause, speech(voice, text)]
        samples = np.concatenate([*parts, pause])
        samples += noise.normal(0, 1e-3, len(samples)).astype(np.float32)
        soundfile.write(FOLDER / episode["file"], samples, SAMPLE_RATE, format="OGG", subtype="OPUS")
        print(f"{episode['file']}: {len(samples) / SAMPLE_RATE:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
