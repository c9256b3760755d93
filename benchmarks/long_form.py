"""Search in a long recording: consecutive clips are joined, indexed and searched.

    python benchmarks/long_form.py dev/ljspeech/manifest.jsonl

Phrases of three words that are said once are drawn from the texts. A phrase counts as found if a hit begins within its
clip, or at most a quarter of a second outside.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.data.manifest import Utterance, read_manifest
from audiosearch.types import Seconds, Transcript
from indexer.index import open_index
from indexer.search.engine import search
from indexer.search.parse import parse
from indexer.types import Location, Recording

WORDS = 3
TOLERANCE: Seconds = 0.25


@dataclass(frozen=True)
class Clip:
    """Position of a clip in the recording, and its words."""

    start: Seconds
    end: Seconds
    words: tuple[str, ...]


def join(utterances: Sequence[Utterance], gap: Seconds, rate: int, path: Path) -> list[Clip]:
    """Write the recording as FLAC, with ``gap`` of silence between clips."""
    import numpy as np
    import soundfile

    from audiosearch.audio.reader import read

    clips: list[Clip] = []
    position = 0
    with soundfile.SoundFile(path, "w", rate, 1, format="FLAC", subtype="PCM_16") as sound:
        for utterance in utterances:
            samples = np.clip(read(utterance.audio, rate), -1, 1)
            silence = np.zeros(round(gap * rate), np.float32)
            sound.write(np.concatenate([samples, silence]))
            words = tuple(utterance.text.split())
            clips.append(Clip(position / rate, (position + len(samples)) / rate, words))
            position += len(samples) + len(silence)
    return clips


def draw(clips: Sequence[Clip], count: int, seed: int) -> Iterator[tuple[tuple[str, ...], Clip]]:
    """Phrases that are said once in the whole recording, with their clips."""
    counts = Counter(_phrases([word for clip in clips for word in clip.words]))
    once = [(phrase, clip) for clip in clips for phrase in _phrases(clip.words) if counts[phrase] == 1]
    yield from random.Random(seed).sample(once, min(count, len(once)))


def _phrases(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(len(words) - WORDS + 1):
        yield tuple(words[first : first + WORDS])


def recognized_text(transcript: Transcript, clip: Clip) -> str:
    """Recognized text of a clip."""
    return " ".join(word.text for word in transcript.words if clip.start <= (word.start + word.end) / 2 < clip.end)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--phrases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=0.0, help="seconds of silence between clips")
    parser.add_argument("--slop", type=int, default=0, help="maximum number of other words within a phrase")
    parser.add_argument("--mode", choices=["words", "sound", "auto"], default="auto", help="as for audiosearch query")
    arguments = parser.parse_args()
    utterances = read_manifest(arguments.manifest)

    from audiosearch.recognizer import Recognizer

    with tempfile.TemporaryDirectory() as folder, Recognizer.load(arguments.model, keep_emissions=True) as recognizer:
        path = Path(folder) / "recording.flac"
        clips = join(utterances, arguments.gap, recognizer.model.config.features.sample_rate, path)
        transcript = recognizer.transcribe(path)
        phrases, correct, elsewhere = 0, 0, 0
        with open_index(str(Path(folder) / "index.db"), create=True) as index:
            location = Location(str(path), path.stat().st_size, path.stat().st_mtime_ns)
            recording = Recording("long form", (location,), transcript.duration, recognizer.fingerprint, "2000-01-01")
            index.keep_acoustic_profile(recognizer.fingerprint, recognizer.acoustic_profile)
            index.add(recording, transcript.words, transcript.emissions)
            for phrase, clip in draw(clips, arguments.phrases, arguments.seed):
                query = parse([" ".join(phrase)], arguments.slop).query
                hits = search(index, query, arguments.mode, limit=10).hits
                right = [clip.start - TOLERANCE <= hit.start <= clip.end + TOLERANCE for hit in hits]
                phrases, correct, elsewhere = phrases + 1, correct + any(right), elsewhere + right.count(False)
                if not any(right):
                    print(f"missed at {clip.start:.1f}–{clip.end:.1f} s: «{' '.join(phrase)}»")
                    print(f"  said:       {' '.join(clip.words)}\n  recognized: {recognized_text(transcript, clip)}")
    spoken = sum(len(clip.words) for clip in clips)
    print(f"{transcript.duration / 60:.1f} min of {len(clips)} clips, {len(transcript.words)} of {spoken} recognized")
    print(f"found in the right clip: {correct} of {phrases} phrases of {WORDS} words; hits elsewhere: {elsewhere}")


if __name__ == "__main__":
    main()
