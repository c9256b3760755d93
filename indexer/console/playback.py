"""Playback of hits in a terminal, one after the other."""

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

from audiosearch.display import printable
from audiosearch.errors import AudioError
from audiosearch.types import Seconds
from indexer.console.format import clock, shown

if TYPE_CHECKING:
    from audiosearch.audio.player import Playback
    from indexer.types import Hit

POLL_INTERVAL: Seconds = 0.05


def play(hits: Sequence[Hit], padding: Seconds) -> int:
    """Play hits until the last one ends or q is pressed, and return the number of hits that could not be played.

    On a terminal Enter continues with the next hit, during playback or after it; elsewhere no key is needed.
    """
    from audiosearch.audio.player import find_player
    from indexer.export.clips import export_clip

    start = find_player()
    failed = 0
    with Keys() as keys, tempfile.TemporaryDirectory(prefix="audiosearch-") as folder:
        if keys.available:
            click.echo("Enter: next. q: stop.", err=True)
        for number, hit in enumerate(hits, start=1):
            path = Path(folder) / f"{number}.wav"
            try:
                export_clip(hit, path, padding)
            except AudioError as error:
                click.echo(str(error), err=True)
                failed += 1
                continue
            span = f"{shown(hit.recording.path)}  {clock(hit.start)}–{clock(hit.end)}"
            click.echo(f"{number}/{len(hits)}  {span}  {printable(hit.text)}", err=True)
            playback = start(path)
            try:
                if not _wait(playback, keys, is_last=number == len(hits)):
                    break
            finally:
                playback.stop()
                path.unlink()
    return failed


def _wait(playback: Playback, keys: Keys, *, is_last: bool) -> bool:
    """Wait for the end of the playback or for a key; returns False to stop."""
    while not playback.has_ended() or (keys.available and not is_last):
        key = keys.read(POLL_INTERVAL)
        if key in ("q", "Q", "\x04"):
            return False
        if key in ("\r", "\n"):
            break
    return True


class Keys:
    """Single key presses, without Enter; not available if standard input is no terminal."""

    def __init__(self) -> None:
        self.available = False
        self._attributes: Any = None

    def __enter__(self) -> Keys:
        try:
            import termios
            import tty
        except ImportError:  # Windows
            return self
        if sys.stdin.isatty():
            descriptor = sys.stdin.fileno()
            self._attributes = termios.tcgetattr(descriptor)
            tty.setcbreak(descriptor)
            self.available = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.available:
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._attributes)

    def read(self, timeout: Seconds) -> str:
        """The next key, or "" after the timeout; "q" at the end of the input."""
        if not self.available:
            time.sleep(timeout)
            return ""
        ready, _, _ = select.select([sys.stdin.fileno()], [], [], timeout)
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace") or "q" if ready else ""
