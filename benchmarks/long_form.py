"""Whether phrases are found where they are said in a long recording: consecutive clips are joined, indexed, searched.

    python benchmarks/long_form.py dev/ljspeech/manifest.jsonl

Phrases of three words that are said once are drawn from the texts; each counts if the search finds it at the clip
where it is said: its start lies within the clip, or a quarter of a second outside.
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
    """Where a clip lies in the recording, and its words."""

    start: Seconds
    end: Seconds
    words: tuple[str, ...]


def join(utterances: Sequence[Utterance], gap: Seconds, rate: int, path: Path) -> list[Clip]:
    """Write the recording as FLAC, with so much silence between clips."""
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
    """Phrases that are said once in the whole recording, and the clips that they lie in."""
    said = Counter(_phrases([word for clip in clips for word in clip.words]))
    once = [(phrase, clip) for clip in clips for phrase in _phrases(clip.words) if said[phrase] == 1]
    yield from random.Random(seed).sample(once, min(count, len(once)))


def _phrases(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(len(words) - WORDS + 1):
        yield tuple(words[first : first + WORDS])


def heard_in(transcript: Transcript, clip: Clip) -> str:
    """What was recognized within a clip."""
    return " ".join(word.text for word in transcript.words if clip.start <= (word.start + word.end) / 2 < clip.end)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--model", type=Path, help="file or folder; the one that is installed unless given")
    parser.add_argument("--phrases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=0.0, help="seconds of silence between clips")
    parser.add_argument("--slop", type=int, default=0, help="other words that may stand between those of a phrase")
    parser.add_argument("--mode", choices=["words", "sound", "auto"], default="auto", help="as of audiosearch query")
    arguments = parser.parse_args()
    utterances = read_manifest(arguments.manifest)

    from audiosearch.recognizer import Recognizer  # not above: the decoder's processes import this file, without torch

    with tempfile.TemporaryDirectory() as folder, Recognizer.load(arguments.model, keep_emissions=True) as recognizer:
        path = Path(folder) / "recording.flac"
        clips = join(utterances, arguments.gap, recognizer.model.config.features.sample_rate, path)
        transcript = recognizer.transcribe(path)
        found, drawn, elsewhere = 0, 0, 0
        with open_index(str(Path(folder) / "index.db"), create=True) as index:
            location = Location(str(path), path.stat().st_size, path.stat().st_mtime_ns)
            recording = Recording("long form", (location,), transcript.duration, recognizer.fingerprint, "2000-01-01")
            index.keep_acoustic_profile(recognizer.fingerprint, recognizer.acoustic_profile)
            index.add(recording, transcript.words, transcript.emissions)
            for phrase, clip in draw(clips, arguments.phrases, arguments.seed):
                query = parse([" ".join(phrase)], arguments.slop).query
                hits = search(index, query, arguments.mode, limit=10).hits
                right = [clip.start - TOLERANCE <= hit.start <= clip.end + TOLERANCE for hit in hits]
                drawn, found, elsewhere = drawn + 1, found + any(right), elsewhere + right.count(False)
                if not any(right):
                    print(f"missed at {clip.start:.1f}–{clip.end:.1f} s: «{' '.join(phrase)}»")
                    print(f"  said:  {' '.join(clip.words)}\n  heard: {heard_in(transcript, clip)}")
    spoken = sum(len(clip.words) for clip in clips)
    print(f"{transcript.duration / 60:.1f} min of {len(clips)} clips, {len(transcript.words)} of {spoken} words heard")
    print(f"found at the right clip: {found} of {drawn} phrases of {WORDS} words; hits elsewhere: {elsewhere}")


if __name__ == "__main__":
    main()
