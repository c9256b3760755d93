"""Values that the stages of recognition exchange. Standard library only.

Legend: T' emission frames, V labels (blank included).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Seconds = float
"""Time from the start of the recording; spans are half-open, ``[start, end)``."""


@dataclass(frozen=True, slots=True)
class Emissions:
    """Label log-probabilities of a segment of a recording.

    Args:
        log_probs: natural logarithms [T', V], float32; the probabilities in each row sum to 1.
        frame_duration: length of one frame.
        start: time at which frame 0 begins.
        voice: that of the words (``Word.voice``).
    """

    log_probs: NDArray[np.float32]
    frame_duration: Seconds
    start: Seconds = 0.0
    voice: str | None = None

    def __len__(self) -> int:
        return int(self.log_probs.shape[0])

    def seconds(self, frame: float) -> Seconds:
        """Start time of ``frame``; the only conversion from frames to seconds."""
        return self.start + frame * self.frame_duration


MAX_ALTERNATIVES = 2
"""Maximum number of alternatives of a word."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another word that may have been said, with its probability in [0, 1] of being correct."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Word:
    """Recognized word with its times.

    Args:
        text: in the characters of the alphabet.
        start: of the first letter.
        end: of the last letter.
        confidence: probability in [0, 1] of being correct.
        alternatives: at most ``MAX_ALTERNATIVES`` distinct words other than ``text``, most probable first.
        voice: speaker, or channel of the recording ("left"); None if unknown.
    """

    text: str
    start: Seconds
    end: Seconds
    confidence: float
    alternatives: tuple[Alternative, ...] = ()
    voice: str | None = None


CHANNEL_MODES = ("auto", "mix", "split")

MAX_CHANNEL = 1024
"""Largest number of a channel."""


@dataclass(frozen=True, slots=True)
class SoundSelection:
    """Sound of a file that is recognized.

    Args:
        channels: ``mix``, one signal of all channels; ``split``, each channel by itself; ``auto``, each by itself if
            they have different voices; or the number of one channel, from "1" on.
        track: number of the audio track, from 1 on; None: the default track, or the first that is not silent.
    """

    channels: str = "auto"
    track: int | None = None

    @property
    def label(self) -> str:
        """Settings other than the defaults, as in ``track=2 channels=split``; empty for the defaults."""
        track = [] if self.track is None else [f"track={self.track}"]
        return " ".join([*track, *([] if self.channels == "auto" else [f"channels={self.channels}"])])

    @classmethod
    def of_label(cls, label: str) -> SoundSelection:
        """Selection of a label; other words are ignored."""
        values = dict(word.split("=", 1) for word in label.split() if "=" in word)
        track = values.get("track", "")
        return cls(values.get("channels", "auto"), int(track) if track.isdigit() else None)


ALL_SOUND = SoundSelection()
"""The default."""

ONE_SIGNAL = SoundSelection("mix")
"""All channels as one signal, also if they have different voices."""


@dataclass(frozen=True, slots=True)
class PackedEmissions:
    """Emissions of a segment in few bytes; ``spotting/posteriorgram.py`` packs and unpacks them.

    Args:
        start: time at which frame 0 begins.
        frame_duration: length of one frame.
        frames: T'.
        data: probable labels of each frame, with quantized probabilities, compressed.
    """

    start: Seconds
    frame_duration: Seconds
    frames: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """Words of one recording, in order of time; only those of different voices overlap.

    Args:
        path: of the recording, as given.
        duration: of the recording.
        words: with ``0 <= start < end <= duration`` and non-decreasing starts.
        emissions: in order of time, voice after voice; empty unless they are kept.
    """

    path: str
    duration: Seconds
    words: tuple[Word, ...]
    emissions: tuple[PackedEmissions, ...] = ()

    @property
    def text(self) -> str:
        """Words joined by single spaces."""
        return " ".join(word.text for word in self.words)
