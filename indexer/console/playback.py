"""Playback hits in a terminal, one after the other."""

from __future__ import annotations

import os
import select
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from audiosearch.errors import AudioError
from audiosearch.types import Seconds
from indexer.console.format import clock, shown

if TYPE_CHECKING:
    from audiosearch.audio.player import Playback
    from indexer.types import Hit

TICK: Seconds = 0.05


def play(hits: Sequence[Hit], padding: Seconds) -> int:
    """Play hits until they end or q is pressed; how many could not be.

    On a terminal Enter goes to the next hit, during one or after it; elsewhere they follow each other.
    """
    from audiosearch.audio.player import find_player
    from indexer.export.clips import cut_out

    start = find_player()
    missed = 0
    with Keys() as keys, tempfile.TemporaryDirectory(prefix="audiosearch-") as folder:
        if keys.are_there:
            click.echo("Enter: next. q: stop.", err=True)
        for number, hit in enumerate(hits, start=1):
            path = Path(folder) / f"{number}.wav"
            try:
                cut_out(hit, path, padding)
            except AudioError as error:
                click.echo(str(error), err=True)
                missed += 1
                continue
            place = f"{shown(hit.recording.path)}  {clock(hit.start)}–{clock(hit.end)}"
            click.echo(f"{number}/{len(hits)}  {place}  {hit.text}", err=True)
            playing = start(path)
            try:
                if not _listen(playing, keys, is_last=number == len(hits)):
                    break
            finally:
                playing.stop()
                path.unlink()
    return missed


def _listen(playing: Playback, keys: Keys, *, is_last: bool) -> bool:
    """Wait for the end or a key; whether to go on."""
    while not playing.has_ended() or (keys.are_there and not is_last):
        key = keys.pressed(TICK)
        if key in ("q", "Q", "\x04"):
            return False
        if key in ("\r", "\n"):
            break
    return True


class Keys:
    """Keys as they are pressed, without Enter after them; none where the input is no terminal."""

    def __init__(self) -> None:
        self.are_there = False
        self._before: Any = None

    def __enter__(self) -> Keys:
        try:
            import termios
            import tty
        except ImportError:  # not on this system
            return self
        if sys.stdin.isatty():
            descriptor = sys.stdin.fileno()
            self._before = termios.tcgetattr(descriptor)
            tty.setcbreak(descriptor)
            self.are_there = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.are_there:
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def pressed(self, seconds: Seconds) -> str:
        """The next key, or "" after so many seconds."""
        if not self.are_there:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace") or "q" if ready else ""
