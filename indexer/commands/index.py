"""``audiosearch index``: folders → an index that is up to date with them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.errors import StoreError
from indexer.commands.options import hotwords_option, model_option, no_sound_option, store_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from indexer.console.ingest_report import Tally
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.ingest.ingest import Record

INTERRUPTED = 130  # what shells report for a program stopped by Ctrl-C


@click.command(epilog="\b\nExample:\n  audiosearch index ~/Podcasts ~/talk.mp4 --prune")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_option
@model_option
@click.option("--prune", is_flag=True, help="Forget recordings under the paths that are no more.")
@click.option("--again", is_flag=True, help="Transcribe anew what another model transcribed.")
@click.option(
    "--part",
    metavar="K/N",
    default="1/1",
    help="Take only the K-th of N parts of the recordings, by content: N machines share the work, each with its K.",
)
@hotwords_option
@no_sound_option
@click.option("--json", "as_json", is_flag=True, help="Print an object a line for each thing done, and a last one.")
@click.pass_context
def index(
    ctx: click.Context,
    paths: tuple[Path, ...],
    store: str | None,
    model: Path | None,
    prune: bool,
    again: bool,
    part: str,
    hotwords: Path | None,
    no_sound: bool,
    as_json: bool,
) -> None:
    """Make recordings searchable, or bring the index up to date.

    Each PATH is a file or a folder. Audio and video are known by their content. What is unchanged, renamed, moved or
    copied is not transcribed again. It may be stopped at any moment; the same command goes on from there.

    A file that cannot be used is reported and the others go on; the exit status is then 1.

    With --hotwords the recognizer counts as another one: --again transcribes with them what was transcribed without.
    """
    from audiosearch.decoding.hotwords import read_hotwords
    from audiosearch.model_folder import find_model
    from audiosearch.settings import load_settings
    from indexer.console.ingest_report import Tally, facts
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.index import open_index
    from indexer.ingest.ingest import ingest
    from indexer.ingest.shard import Part

    try:
        own = Part.parse(part)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--part") from error
    name, path = load_settings(store).store, find_model(model)
    wanted = () if hotwords is None else read_hotwords(hotwords)
    lazy = LazyRecognizer(path, hotwords=wanted, sound=not no_sound)
    with open_index(name, create=True) as opened, lazy as recognizer:
        check_writable(name)
        tally = Tally()
        try:
            with _display(tally, recognizer) as draw:
                for record in ingest(opened, recognizer, paths, prune=prune, again=again, part=own):
                    tally.take(record)
                    draw(record)
                    if as_json and (told := facts(record)):
                        click.echo(json.dumps(told))
        except KeyboardInterrupt:
            click.echo("\nStopped; what was indexed is kept, and the same command goes on from here.", err=True)
            ctx.exit(INTERRUPTED)
    click.echo(json.dumps(tally.facts()) if as_json else tally.summary())
    ctx.exit(1 if tally.failed else 0)


def check_writable(store: str) -> None:
    """A read-only store can be opened and searched; find out before an hour of work that nothing can be added."""
    from audiosearch.settings import is_url

    path = Path(store).expanduser()
    if not is_url(store) and not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)):
        raise StoreError(f"{store}: cannot be written; change its permissions, or name another with --store.")


@contextmanager
def _display(tally: Tally, recognizer: LazyRecognizer) -> Iterator[Callable[[Record], None]]:
    """A function that draws records on standard error: lines, and on a terminal a progress bar under them."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from indexer.console.format import length, shown
    from indexer.console.ingest_report import line

    class Display(Progress):
        """A bar that asks how far the work is whenever it is drawn."""

        def get_renderables(self) -> Iterable[RenderableType]:
            for task in self.tasks:  # one; none yet when this is first called
                if not tally.total:
                    self.update(task.id, state=f"{tally.looked:,}")
                    continue
                done, speed = tally.done(recognizer.position), tally.speed(recognizer.position)
                state = f"{length(done)} of {length(tally.total)}, {speed:.0f} × real time"
                name = Path(shown(tally.current.path)).name if tally.current else ""
                self.update(task.id, total=tally.total, completed=done, state=state, description=f"{name:.30}")
            yield from super().get_renderables()

    console = Console(stderr=True, highlight=False)
    progress = Display(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # or results would go where the bar goes
        disable=not console.is_terminal,
    )
    progress.add_task("looking through files", total=None, state="")

    def draw(record: Record) -> None:
        if told := line(record):
            console.print(told, markup=False, soft_wrap=True)

    with progress:
        yield draw
