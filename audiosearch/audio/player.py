"""Playback by the first available of ffplay, mpv and sounddevice; only this file imports sounddevice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from audiosearch.errors import OutputError, reason_of

_PROGRAMS = {
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error", "-i"),
    "mpv": ("--no-config", "--no-video", "--no-terminal", "--"),
}


class Playback(Protocol):
    """Running playback of a file."""

    def has_ended(self) -> bool:
        """Return True at the end of the file.

        Raises:
            OutputError: the file could not be played.
        """
        ...

    def stop(self) -> None:
        """Stop; no effect after the end of the file."""
        ...


def find_player() -> Callable[[Path], Playback]:
    """Return a function that starts the playback of a file.

    Raises:
        OutputError: no player is available.
    """
    for name, options in _PROGRAMS.items():
        if program := shutil.which(name):
            return partial(_Program, name, (program, *options))
    if _has_device():
        return _Device
    raise OutputError(
        "No player is available: install ffplay (part of FFmpeg) or mpv. --clips and --supercut write files."
    )


def _has_device() -> bool:
    try:
        import sounddevice
    except (ImportError, OSError):  # no package, or no PortAudio
        return False
    try:
        sounddevice.query_devices(kind="output")
    except (sounddevice.PortAudioError, ValueError):
        return False
    return True


class _Program:
    """Playback by a program."""

    def __init__(self, name: str, command: tuple[str, ...], path: Path) -> None:
        self._name = name
        self._stopped = False
        null = subprocess.DEVNULL  # keys pressed are for this program, not the player
        self._process = subprocess.Popen([*command, str(path)], stdin=null, stdout=null, stderr=null)

    def has_ended(self) -> bool:
        status = self._process.poll()
        if status and not self._stopped:
            raise OutputError(f"{self._name} could not play (exit status {status}); is there a sound device?")
        return status is not None

    def stop(self) -> None:
        self._stopped = True
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Device:
    """Playback on the default sound device."""

    def __init__(self, path: Path) -> None:
        import sounddevice

        from audiosearch.audio.reader import probe, read_span

        sound = read_span(path, 0.0, probe(path).duration)
        self._device: Any = sounddevice
        try:
            sounddevice.play(sound.samples.T, sound.rate)
        except sounddevice.PortAudioError as error:
            raise OutputError(f"The sound device cannot play ({reason_of(error)}).") from error

    def has_ended(self) -> bool:
        return not self._device.get_stream().active

    def stop(self) -> None:
        self._device.stop()
