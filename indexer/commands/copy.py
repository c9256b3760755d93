"""``audiosearch copy``: a library from one store to another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from audiosearch.errors import StoreError
from indexer.console.format import count, shown
from indexer.ingest.copy import Copied, Planned, Pruned, Refused, Step

INTERRUPTED = 130  # what shells report for a program stopped by Ctrl-C


@click.command(
    epilog="\b\nExample:\n"
    "  audiosearch copy talks.db http://localhost:9200/talks\n"
    "  audiosearch copy http://localhost:9200/talks talks.db --json"
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--prune", is_flag=True, help="Forget in TO what FROM does not hold.")
@click.option("--json", "as_json", is_flag=True, help="Print an object a line for each thing done, and a last one.")
@click.pass_context
def copy(ctx: click.Context, source: str, target: str, prune: bool, as_json: bool) -> None:
    """Copy all recordings with their words, without transcribing again.

    FROM and TO are databases or http(s)://host:9200/name of Elasticsearch; TO is made where there is none. It may be
    stopped at any moment; the same command goes on from there, and later copies what has changed since.
    """
    from indexer.index import open_index
    from indexer.ingest.copy import copy as steps

    if _place(source) == _place(target):
        raise StoreError(f"{source} is both where to copy from and where to: name two.")
    tally = {"copied": 0, "same": 0, "refused": 0, "forgotten": 0, "words": 0}
    with open_index(source, create=False) as first, open_index(target, create=True) as other:
        try:
            for step in _watched(steps(first, other, prune=prune)):
                told = _take(step, tally)
                if as_json and told:
                    click.echo(json.dumps(told))
        except KeyboardInterrupt:
            click.echo("\nStopped; what was copied is kept, and the same command goes on from here.", err=True)
            ctx.exit(INTERRUPTED)
    click.echo(json.dumps({"event": "finished", **tally}) if as_json else _summary(tally))
    ctx.exit(1 if tally["refused"] else 0)


def _place(store: str) -> str:
    """The same for two names of one store, where that can be seen from the names."""
    from audiosearch.settings import is_url

    return store.rstrip("/") if is_url(store) else str(Path(store).expanduser().resolve())


def _take(step: Step, tally: dict[str, int]) -> dict[str, object] | None:
    """Count a step; what ``--json`` says of it."""
    match step:
        case Planned():
            tally["same"] = step.same
            return None
        case Copied():
            tally["copied"] += 1
            tally["words"] += step.words
            about: dict[str, object] = {"event": "copied", "words": step.words}
        case Refused():
            tally["refused"] += 1
            about = {"event": "refused", "reason": step.sentence}
            click.echo(step.sentence, err=True)
        case Pruned():
            tally["forgotten"] += 1
            about = {"event": "forgotten"}
    return {**about, "path": step.recording.path, "id": step.recording.id}


def _summary(tally: dict[str, int]) -> str:
    parts = [f"{count(tally['copied'], 'recording')} copied ({count(tally['words'], 'word')})"]
    named = {"there already": tally["same"], "forgotten": tally["forgotten"], "refused": tally["refused"]}
    return ", ".join([*parts, *(f"{number:,} {what}" for what, number in named.items() if number)]) + "."


def _watched(steps: Iterable[Step]) -> Iterator[Step]:
    """The same steps; on a terminal a bar on standard error shows how far they are."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # or results would go where the bar goes
        disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task("reading the libraries", total=None)
        for step in steps:
            if isinstance(step, Planned):
                progress.update(task, total=step.recordings - step.same, description="copying")
            elif not isinstance(step, Pruned):
                progress.update(task, advance=1, description=f"{Path(shown(step.recording.path)).name:.30}")
            yield step
