"""Choice of the channels of a recording that are recognized by themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from audiosearch.audio.channels.mixing import channel_name
from audiosearch.audio.channels.voices import SPAN, places, separate_voices
from audiosearch.audio.reader import probe, read_span
from audiosearch.audio.samples import AudioInfo, Piece
from audiosearch.errors import AudioError
from audiosearch.types import Seconds, SoundSelection

logger = logging.getLogger(__name__)

BEGINNING: Seconds = 120.0
"""Sound that is compared of files with several parts or tracks, in which seeking may take long."""


def voice_channels(path: str | Path, selection: SoundSelection) -> dict[int, str | None]:
    """Channels to be recognized one by one, counted from 0, with their names; empty: all as one signal.

    Raises:
        AudioError: the file cannot be read, or lacks the chosen channel.
    """
    path, mode = Path(path), selection.channels
    if mode == "mix":
        return {}
    info = probe(path, selection.track)
    if mode.isdigit():
        if not 1 <= int(mode) <= info.channels:
            have = "one channel" if info.channels == 1 else f"{info.channels} channels"
            raise AudioError(f"{path}: has {have}, and no channel {mode}.")
        return {int(mode) - 1: None} if info.channels > 1 else {}
    if info.channels == 1:
        return {}
    chosen = tuple(range(info.channels)) if mode == "split" else separate_voices(_spans(path, info, selection.track))
    names: dict[int, str | None] = {channel: channel_name(channel, info.channels) for channel in chosen}
    if names and mode == "auto":
        listed = ", ".join(name for name in names.values() if name)
        logger.warning("%s: has different speech in its channels, which are recognized one by one: %s.", path, listed)
    return names


def _spans(path: Path, info: AudioInfo, track: int | None) -> Iterator[Piece]:
    """Yield parts of a recording for the comparison of its channels."""
    if info.is_plain:
        for start in places(info.duration):
            with suppress(AudioError):  # beyond the end of a damaged file
                sound = read_span(path, start, start + SPAN, track=track)
                yield Piece(sound.rate, sound.samples)
        return
    sound = read_span(path, 0.0, min(info.duration, BEGINNING), track=track)
    length = round(SPAN * sound.rate)
    for first in range(0, len(sound), length):
        yield Piece(sound.rate, sound.samples[:, first : first + length])
