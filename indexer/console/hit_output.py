"""What ``audiosearch query`` does with hits besides showing them: lists, clips, one file of all, playing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiosearch.types import Seconds
from indexer.console.format import count, length, shown
from indexer.export.hit_lists import FORMATS, FRAME_RATES

if TYPE_CHECKING:
    from indexer.types import Hit

PADDING: Seconds = 0.25
FADE: Seconds = 0.02
LONGEST: Seconds = 60.0
"""Of padding, fade and gap."""

CLIP_FORMATS = ("wav", "flac", "mp3", "opus", "m4a")
"""``SUFFIXES`` of audio/clips.py, which imports numpy; a test compares them."""


@dataclass(frozen=True, slots=True)
class HitOutput:
    """The options; None and False: not given."""

    form: str | None
    fps: str | None
    play: bool
    clips: Path | None
    clip_format: str | None
    supercut: Path | None
    padding: Seconds | None
    fade: Seconds | None
    gap: Seconds | None

    @property
    def replaces_lines(self) -> bool:
        """Whether the hits are shown in another format than lines."""
        return self.form is not None

    def check(self, *, as_json: bool, counts: bool) -> None:
        """What can be known before the search: UsageError, OutputError."""
        makes_sound = self.play or self.clips is not None or self.supercut is not None
        if counts and (makes_sound or self.form):
            raise click.UsageError("--counts shows recordings; there are no hits to play, cut or list.")
        if as_json and self.form:
            raise click.UsageError(f"--json and --format {self.form} are two formats: give one.")
        for name, given, needed in (
            ("--padding", self.padding, makes_sound or self.form in ("m3u", "edl")),
            ("--fade", self.fade, self.supercut),
            ("--gap", self.gap, self.supercut),
            ("--clip-format", self.clip_format, self.clips),
            ("--fps", self.fps, self.form == "edl"),
        ):
            if given is not None and not needed:
                raise click.UsageError(f"{name} says how hits are cut: {_NEEDS[name]}.")
            if isinstance(given, float) and not 0 <= given <= LONGEST:
                raise click.UsageError(f"{name} is from 0 to {LONGEST:.0f} seconds, not {given:g}.")
        if self.supercut is not None:
            from audiosearch.audio.clips import check_target

            check_target(self.supercut)
        if self.play:
            from audiosearch.audio.player import find_player

            find_player()

    def list(self, hits: Sequence[Hit]) -> str:
        """The hits in the format that was asked for."""
        from indexer.export.hit_lists import listing

        assert self.form is not None
        return listing(hits, self.form, padding=self._padding, rate=self.fps or "25")

    def write(self, hits: Sequence[Hit]) -> bool:
        """Clips, one file of all, sound; whether all hits could be given."""
        missed = 0
        if self.clips is not None:
            missed += self._write_clips(hits, self.clips)
        if self.supercut is not None:
            missed += self._write_supercut(hits, self.supercut)
        if self.play:
            from indexer.console.playback import play

            missed += play(hits, self._padding)
        return not missed

    @property
    def _padding(self) -> Seconds:
        return PADDING if self.padding is None else self.padding

    def _write_clips(self, hits: Sequence[Hit], folder: Path) -> int:
        from indexer.export.clips import Missed, write_clips

        missed = 0
        for result in write_clips(hits, folder, f".{self.clip_format or 'wav'}", self._padding):
            if isinstance(result, Missed):
                missed += 1
                click.echo(result.sentence, err=True)
        click.echo(f"{count(len(hits) - missed, 'clip')} in {shown(str(folder))}.", err=True)
        return missed

    def _write_supercut(self, hits: Sequence[Hit], target: Path) -> int:
        from indexer.export.clips import Missed, write_supercut

        missed = 0
        fade, gap = FADE if self.fade is None else self.fade, self.gap or 0.0
        for result in write_supercut(hits, target, self._padding, fade, gap):
            if isinstance(result, Missed):
                missed += 1
                click.echo(result.sentence, err=True)
            else:
                what = f"{count(result.hits, 'hit')}, {length(result.duration)}"
                click.echo(f"{shown(str(target))}: {what}.", err=True)
        return missed


_NEEDS = {
    "--padding": "give --play, --clips, --supercut, or --format m3u or edl",
    "--fade": "give --supercut",
    "--gap": "give --supercut",
    "--clip-format": "give --clips",
    "--fps": "give --format edl",
}

_OPTIONS = (
    click.option("--format", "form", type=click.Choice(FORMATS), help="Print hits in this format, for other programs."),
    click.option(
        "--fps", type=click.Choice(tuple(FRAME_RATES)), help="Frames a second of --format edl; 25 unless given."
    ),
    click.option("--play", is_flag=True, help="Play the hits here, through ffplay, mpv or sounddevice."),
    click.option("--clips", metavar="DIR", type=click.Path(path_type=Path), help="Write each hit as a file in DIR."),
    click.option("--clip-format", type=click.Choice(CLIP_FORMATS), help="Of --clips; wav unless given."),
    click.option(
        "--supercut",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Join the hits in one file; its ending, as of --clip-format, says which kind.",
    ),
    click.option("--padding", metavar="SECONDS", type=float, help=f"Sound before and after each hit; {PADDING:g}."),
    click.option("--fade", metavar="SECONDS", type=float, help=f"From hit to hit in --supercut; {FADE:g}."),
    click.option("--gap", metavar="SECONDS", type=float, help="Silence between hits in --supercut; none."),
)


def hit_output_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of this file, given to a command as one argument ``giving``."""

    @functools.wraps(command)
    def gathered(*args: Any, **options: Any) -> None:
        values = {name: options.pop(name) for name in HitOutput.__slots__}
        command(*args, hit_output=HitOutput(**values), **options)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered
