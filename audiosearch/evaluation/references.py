"""When each word of a known text is said: by forced alignment with what a network hears, or as somebody else says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import ManifestError
from audiosearch.files import atomic_write
from audiosearch.types import Emissions, Seconds, Word

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance
    from audiosearch.recognizer import Recognizer

LONGEST: Seconds = 900.0
"""What is aligned at once: the alignment keeps a byte for each frame and label, half a gigabyte for so long a talk."""


class References:
    """The words that are said in utterances, with their times.

    Args:
        recognizer: whose network aligns.
        given: word times by utterance, which are taken where there are any.
        store: a file that keeps what was aligned; it belongs to this model.
    """

    def __init__(self, recognizer: Recognizer, given: Mapping[str, tuple[Word, ...]], store: Path) -> None:
        self.aligned = 0
        self._recognizer = recognizer
        self._given = given
        self._store = store
        self._kept: dict[str, list[tuple[str, Seconds, Seconds]]] = {}
        with contextlib.suppress(OSError, ValueError):  # it is made again
            self._kept = json.loads(store.read_text(encoding="utf-8"))

    def words(self, utterance: Utterance) -> tuple[Word, ...]:
        """What is said in an utterance: as it is given, or else by alignment.

        Raises:
            AudioError: the recording cannot be read.
            ManifestError: it is too long, or the text does not fit into it.
        """
        for name in (utterance.id, "_".join(utterance.audio.stem.split())):  # CTM knows no spaces
            if name in self._given:
                return self._given[name]
        key = f"{utterance.audio} {utterance.text}"
        if key not in self._kept:
            words = spoken_words(self._recognizer, utterance.audio, utterance.text)
            self._kept[key] = [(word.text, word.start, word.end) for word in words]
        self.aligned += len(self._kept[key])
        return tuple(Word(text, start, end, 1.0) for text, start, end in self._kept[key])

    def save(self) -> None:
        """Keep what was aligned."""
        try:
            with atomic_write(self._store) as temporary:
                temporary.write_text(json.dumps(self._kept), encoding="utf-8")
        except OSError as error:
            raise ManifestError(f"{self._store}: cannot be written ({error.strerror}).") from error


def spoken_words(recognizer: Recognizer, audio: Path, text: str) -> tuple[Word, ...]:
    """The words of ``text``, which is what is said in a recording, normalized, with their times.

    Raises:
        AudioError: the recording cannot be read.
        ManifestError: it is too long, or the text does not fit into it.
    """
    from audiosearch.alignment.forced_alignment import align

    if not text.strip():
        return ()
    stretches = []
    for stretch in recognizer.emissions(audio):
        stretches.append(stretch)
        if stretch.seconds(len(stretch)) > LONGEST:
            raise ManifestError(
                f"{audio}: more than {LONGEST / 60:.0f} minutes are too long to align with a text; "
                "cut it into utterances, or give its word times."
            )
    if not stretches:
        raise ManifestError(f"{audio}: holds no sound that its text could be aligned with.")
    alphabet = recognizer.model.alphabet
    try:
        return align(joined(stretches, alphabet.blank), text, alphabet)
    except ValueError as error:
        raise ManifestError(f"{audio}: the text does not fit the recording ({error}); correct the manifest.") from error


def joined(stretches: list[Emissions], blank: int) -> Emissions:
    """One stretch from the first to the last, silent where there was none between two."""
    import numpy as np

    from audiosearch.acoustic.windows import silence

    first = stretches[0]
    if len(stretches) == 1:
        return first
    rows = []
    frames = 0
    for stretch in stretches:
        gap = round((stretch.start - first.start) / first.frame_duration) - frames
        if gap > 0:
            rows.append(silence(gap, first.log_probs.shape[1], blank))
        rows.append(stretch.log_probs)
        frames += max(gap, 0) + len(stretch)
    return Emissions(np.concatenate(rows), first.frame_duration, first.start)
