"""Output of ``audiosearch query`` besides the table of hits: other formats, clips, a supercut, playback."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiosearch.audio.clip_formats import CLIP_FORMATS, FADE
from audiosearch.display import printable
from audiosearch.types import Seconds
from indexer.console.format import count, length, shown
from indexer.export.hit_lists import FORMATS, FRAME_RATES

if TYPE_CHECKING:
    from indexer.types import Hit

PADDING: Seconds = 0.25
MAX_SECONDS: Seconds = 60.0
"""Maximum padding, fade and gap."""


@dataclass(frozen=True, slots=True)
class HitOutput:
    """Values of the options; None and False: not given."""

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
        """True if the hits are printed in a format of ``--format``."""
        return self.form is not None

    def check(self, *, as_json: bool, counts: bool) -> None:
        """Check the options before the search.

        Raises:
            click.UsageError: options exclude each other, or a value is out of range.
            OutputError: a file cannot be written, or no player is available.
        """
        makes_sound = self.play or self.clips is not None or self.supercut is not None
        if counts and (makes_sound or self.form):
            raise click.UsageError("--counts prints recordings; there are no hits to play, cut or list.")
        if as_json and self.form:
            raise click.UsageError(f"--json and --format {self.form} exclude each other.")
        for name, value, applies in (
            ("--padding", self.padding, makes_sound or self.form in ("m3u", "edl")),
            ("--fade", self.fade, self.supercut),
            ("--gap", self.gap, self.supercut),
            ("--clip-format", self.clip_format, self.clips),
            ("--fps", self.fps, self.form == "edl"),
        ):
            if value is not None and not applies:
                raise click.UsageError(f"{name} needs {_NEEDS[name]}.")
            if isinstance(value, float) and not 0 <= value <= MAX_SECONDS:
                raise click.UsageError(f"{name} must be between 0 and {MAX_SECONDS:.0f} seconds, not {value:g}.")
        if self.supercut is not None:
            from audiosearch.audio.clips import check_target

            check_target(self.supercut)
        if self.play:
            from audiosearch.audio.player import find_player

            find_player()

    def format(self, hits: Sequence[Hit]) -> str:
        """The hits in the format of ``--format``."""
        from indexer.export.hit_lists import format_hits

        assert self.form is not None
        return format_hits(hits, self.form, padding=self._padding, rate=self.fps or "25")

    def write(self, hits: Sequence[Hit]) -> bool:
        """Write clips and supercut, and play the hits; returns False if some recordings could not be read."""
        failed = 0
        if self.clips is not None:
            failed += self._write_clips(hits, self.clips)
        if self.supercut is not None:
            failed += self._write_supercut(hits, self.supercut)
        if self.play:
            from indexer.console.playback import play

            failed += play(hits, self._padding)
        return not failed

    @property
    def _padding(self) -> Seconds:
        return PADDING if self.padding is None else self.padding

    def _write_clips(self, hits: Sequence[Hit], folder: Path) -> int:
        from indexer.export.clips import FailedClip, write_clips

        failed = 0
        for result in write_clips(hits, folder, f".{self.clip_format or 'wav'}", self._padding):
            if isinstance(result, FailedClip):
                failed += 1
                click.echo(printable(result.sentence), err=True)
        click.echo(f"{count(len(hits) - failed, 'clip')} in {shown(str(folder))}.", err=True)
        return failed

    def _write_supercut(self, hits: Sequence[Hit], target: Path) -> int:
        from indexer.export.clips import FailedClip, write_supercut

        failed = 0
        fade, gap = FADE if self.fade is None else self.fade, self.gap or 0.0
        for result in write_supercut(hits, target, self._padding, fade, gap):
            if isinstance(result, FailedClip):
                failed += 1
                click.echo(printable(result.sentence), err=True)
            else:
                size = f"{count(result.hits, 'hit')}, {length(result.duration)}"
                click.echo(f"{shown(str(target))}: {size}.", err=True)
        return failed


_NEEDS = {
    "--padding": "--play, --clips, --supercut, or --format m3u or edl",
    "--fade": "--supercut",
    "--gap": "--supercut",
    "--clip-format": "--clips",
    "--fps": "--format edl",
}

_OPTIONS = (
    click.option(
        "--format", "form", type=click.Choice(FORMATS), help="Print the hits in this format, for other programs."
    ),
    click.option(
        "--fps", type=click.Choice(tuple(FRAME_RATES)), help="Frames per second of --format edl. Default: 25."
    ),
    click.option("--play", is_flag=True, help="Play the hits, with ffplay, mpv or sounddevice."),
    click.option("--clips", metavar="DIR", type=click.Path(path_type=Path), help="Write each hit to a file in DIR."),
    click.option(
        "--clip-format",
        type=click.Choice([suffix[1:] for suffix in CLIP_FORMATS]),
        help="Format of --clips. Default: wav.",
    ),
    click.option(
        "--supercut",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Join the hits in FILE; its suffix selects one of the formats of --clip-format.",
    ),
    click.option(
        "--padding", metavar="SECONDS", type=float, help=f"Sound before and after each hit. Default: {PADDING:g}."
    ),
    click.option(
        "--fade", metavar="SECONDS", type=float, help=f"Crossfade between the hits of --supercut. Default: {FADE:g}."
    ),
    click.option("--gap", metavar="SECONDS", type=float, help="Silence between the hits of --supercut. Default: none."),
)


def hit_output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add these options to a command, which gets them as the argument ``hit_output``."""

    @functools.wraps(command)
    def with_hit_output(*args: Any, **options: Any) -> None:
        values = {name: options.pop(name) for name in HitOutput.__slots__}
        command(*args, hit_output=HitOutput(**values), **options)

    for option in reversed(_OPTIONS):
        with_hit_output = option(with_hit_output)
    return with_hit_output
