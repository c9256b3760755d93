"""Times of the words of a known text, by forced alignment or from a given transcript."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import ManifestError
from audiosearch.files import atomic_write
from audiosearch.types import Emissions, Seconds, Word

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance
    from audiosearch.recognizer import Recognizer

MAX_ALIGNED_SECONDS: Seconds = 900.0
"""Longest recording that is aligned: one byte per frame and label are half a gigabyte for fifteen minutes."""


class References:
    """Reference words of utterances, with their times.

    Args:
        recognizer: its network aligns.
        given: word times by utterance id, which take precedence over alignment.
        store: JSON file that caches alignments by this recognizer's model.
    """

    def __init__(self, recognizer: Recognizer, given: Mapping[str, tuple[Word, ...]], store: Path) -> None:
        self.aligned = 0
        self._recognizer = recognizer
        self._given = given
        self._store = store
        self._cache: dict[str, list[tuple[str, Seconds, Seconds]]] = {}
        with contextlib.suppress(OSError, ValueError):  # an unreadable cache is rebuilt
            self._cache = json.loads(store.read_text(encoding="utf-8"))

    def words(self, utterance: Utterance) -> tuple[Word, ...]:
        """Words of an utterance, given or aligned.

        Raises:
            AudioError: the recording cannot be read.
            ManifestError: it is too long, or the text does not fit.
        """
        for name in (utterance.id, "_".join(utterance.audio.stem.split())):  # CTM fields cannot contain spaces
            if name in self._given:
                return self._given[name]
        key = f"{utterance.audio} {utterance.text}"
        if key not in self._cache:
            words = align_words(self._recognizer, utterance.audio, utterance.text)
            self._cache[key] = [(word.text, word.start, word.end) for word in words]
        self.aligned += len(self._cache[key])
        return tuple(Word(text, start, end, 1.0) for text, start, end in self._cache[key])

    def save(self) -> None:
        """Write the cache of alignments."""
        try:
            with atomic_write(self._store) as temporary:
                temporary.write_text(json.dumps(self._cache), encoding="utf-8")
        except OSError as error:
            raise ManifestError(f"{self._store}: cannot be written ({error.strerror}).") from error


def align_words(
    recognizer: Recognizer, audio: Path, text: str, *, max_duration: Seconds = MAX_ALIGNED_SECONDS
) -> tuple[Word, ...]:
    """Align the normalized text of a recording with its sound.

    Raises:
        AudioError: the recording cannot be read.
        ManifestError: it is longer than ``max_duration``, or the text does not fit.
    """
    from audiosearch.alignment.forced_alignment import align

    if not text.strip():
        return ()
    segments = []
    for segment in recognizer.emissions(audio):
        segments.append(segment)
        if segment.seconds(len(segment)) > max_duration:
            raise ManifestError(
                f"{audio}: more than {max_duration / 60:.0f} minutes are too long to align with a text; "
                "cut it into utterances, or give its word times."
            )
    if not segments:
        raise ManifestError(f"{audio}: contains no sound to align the text with.")
    alphabet = recognizer.model.alphabet
    try:
        return align(concatenate_emissions(segments, alphabet.blank), text, alphabet)
    except ValueError as error:
        raise ManifestError(f"{audio}: the text does not fit the recording ({error}); correct the manifest.") from error


def concatenate_emissions(segments: Sequence[Emissions], blank: int) -> Emissions:
    """Join segments of a recording, with blanks in the gaps between them."""
    import numpy as np

    from audiosearch.acoustic.windows import blank_log_probs

    first = segments[0]
    if len(segments) == 1:
        return first
    rows = []
    frames = 0
    for segment in segments:
        gap = round((segment.start - first.start) / first.frame_duration) - frames
        if gap > 0:
            rows.append(blank_log_probs(gap, first.log_probs.shape[1], blank))
        rows.append(segment.log_probs)
        frames += max(gap, 0) + len(segment)
    return Emissions(np.concatenate(rows), first.frame_duration, first.start)
