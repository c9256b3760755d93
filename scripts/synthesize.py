"""Synthesize speech with transcripts: sentences of a text in the English voices of flite, espeak-ng and festival.

Voice, rate, pitch and formants of an utterance come from a generator seeded by its number, so that runs are
reproducible. Formants are shifted by synthesizing slower and lower, or faster and higher, and resampling back to the
intended rate and pitch. Needs the Debian packages flite and espeak-ng; festival is optional, with the voices of
festvox-kallpc16k, festvox-kdlpc16k and festvox-us-slt-hts.

    python scripts/synthesize.py books.txt.xz --hours 5 --output synthetic/
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path

import numpy as np
import soundfile
import soxr

from audiosearch.normalizer import normalize

SAMPLE_RATE = 16000
FLITE_VOICES = {"awb": 130, "rms": 95, "slt": 170, "kal16": 105, "kal": 105}
"""Mean pitch of each voice in Hz, which is varied."""
ESPEAK_VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
ESPEAK_VARIANTS = ("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8")
FESTIVAL_VOICES = {"kal_diphone": 105, "ked_diphone": 105, "cmu_us_slt_arctic_hts": 0}
"""Mean pitch of each voice in Hz; 0: the voice has no setting for it."""
SHARES = {"flite": 0.6, "espeak": 0.25, "festival": 0.15}
FORMANTS = (0.87, 1.15)
"""Range of the factor of formant frequencies."""


def sentences(path: Path, seed: int) -> Iterator[str]:
    """Normalized sentences of 3 to 25 words, in a random but repeatable order."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as lines:
        selected = [line for line in lines if 3 <= line.count(" ") + 1 <= 25]
    random.Random(seed).shuffle(selected)
    return (text for text in map(normalize, selected) if text)


@dataclass(frozen=True)
class Prosody:
    """Factors of duration and of mean pitch, as given to the synthesizer."""

    stretch: float
    pitch: float


def flite(voice: str, prosody: Prosody, text: str, target: Path) -> list[str]:
    """Command of flite that synthesizes a text into a file."""
    options = [
        f"duration_stretch={prosody.stretch:.2f}",
        f"int_f0_target_mean={FLITE_VOICES[voice] * prosody.pitch:.0f}",
    ]
    return ["flite", "-voice", voice, "--setf", options[0], "--setf", options[1], "-t", text, "-o", str(target)]


def espeak(voice: str, prosody: Prosody, text: str, target: Path) -> list[str]:
    """Command of espeak-ng, with words per minute, and a pitch from 0 to 99 of which 50 is the default."""
    rate, pitch = round(160 / prosody.stretch), min(max(round(50 + 100 * (prosody.pitch - 1)), 0), 99)
    return ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "-w", str(target), text]


def festival(voice: str, prosody: Prosody, text: str, target: Path) -> list[str]:
    """Command of festival, which reads the text from a file."""
    source = target.with_suffix(".txt")
    source.write_text(text)
    options = [f"(voice_{voice})", f"(Parameter.set 'Duration_Stretch {prosody.stretch:.2f})"]
    if hertz := FESTIVAL_VOICES[voice] * prosody.pitch:
        means = f"(target_f0_mean {hertz:.0f}) (target_f0_std 14) (model_f0_mean 170) (model_f0_std 34)"
        options.append(f"(set! int_lr_params '({means}))")
    arguments = [part for option in options for part in ("-eval", option)]
    return ["text2wave", *arguments, "-o", str(target), str(source)]


def speak(text: str, seed: int, target: Path, programs: Sequence[str]) -> tuple[str, float]:
    """Synthesize ``text`` into ``target``; return the voice and the duration in seconds."""
    draw = random.Random(seed)
    raw = target.with_suffix(".wav")
    program = draw.choices(programs, [SHARES[name] for name in programs])[0]
    formants = draw.uniform(*FORMANTS)
    prosody = Prosody(draw.uniform(0.8, 1.3) * formants, draw.uniform(0.8, 1.3) / formants)
    if program == "flite":
        voice = draw.choice(list(FLITE_VOICES))
        command = flite(voice, prosody, text, raw)
    elif program == "espeak":
        voice = draw.choice(ESPEAK_VOICES) + draw.choice(ESPEAK_VARIANTS)
        command = espeak(voice, prosody, text, raw)
    else:
        voice = draw.choice(list(FESTIVAL_VOICES))
        command = festival(voice, prosody, text, raw)
    subprocess.run(command, check=True, capture_output=True)
    samples, rate = soundfile.read(raw, dtype="float32")
    raw.unlink()
    raw.with_suffix(".txt").unlink(missing_ok=True)
    samples = soxr.resample(samples, rate * formants, SAMPLE_RATE)
    audible = np.flatnonzero(np.abs(samples) > 1e-3)
    samples = samples[max(int(audible[0]) - 1600, 0) : int(audible[-1]) + 1600]
    samples *= 0.5 / max(float(np.abs(samples).max()), 1e-4)
    soundfile.write(target, samples, SAMPLE_RATE)
    return voice, len(samples) / SAMPLE_RATE


def main() -> int:
    """Synthesize until there are enough hours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="sentences, one per line (.xz or plain)")
    parser.add_argument("--output", type=Path, required=True, help="folder for audio/ and manifest.jsonl")
    parser.add_argument("--hours", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    audio = arguments.output / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    programs = [name for name in SHARES if name != "festival" or shutil.which("text2wave")]
    seconds, number = 0.0, 0
    source = sentences(arguments.text, arguments.seed)
    with (arguments.output / "manifest.jsonl").open("w") as manifest, ThreadPoolExecutor(arguments.threads) as pool:
        while seconds < arguments.hours * 3600 and (texts := list(islice(source, 200))):
            names = [f"{arguments.seed}-{number + i:06d}" for i in range(len(texts))]
            seeds = [arguments.seed * 10_000_000 + number + i for i in range(len(texts))]
            spoken = pool.map(speak, texts, seeds, [audio / f"{name}.flac" for name in names], repeat(programs))
            for name, text, (voice, duration) in zip(names, texts, spoken, strict=True):
                row = {"audio": f"audio/{name}.flac", "text": text, "duration": round(duration, 3)}
                manifest.write(json.dumps({**row, "speaker": f"synthetic-{voice}", "id": name}) + "\n")
                seconds += duration
            number += len(texts)
            print(f"{seconds / 3600:.2f} h, {number} utterances", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
