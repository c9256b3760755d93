"""``audiosearch copy``: copy an index to another store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from audiosearch.display import printable
from audiosearch.errors import StoreError
from indexer.commands.options import INTERRUPTED
from indexer.console.format import count, shown
from indexer.ingest.copy import Copied, Planned, Pruned, Refused, Step


@click.command(
    epilog="\b\nExamples:\n"
    "  audiosearch copy talks.db http://localhost:9200/talks\n"
    "  audiosearch copy http://localhost:9200/talks talks.db --json"
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--prune", is_flag=True, help="Remove recordings from TO that are not in FROM.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event, and a final one with counts.")
@click.pass_context
def copy(ctx: click.Context, source: str, target: str, prune: bool, as_json: bool) -> None:
    """Copy an index, without transcribing again.

    FROM and TO are databases or http(s)://host:9200/name of Elasticsearch; TO is created if needed. The command can be
    interrupted at any time; running it again continues, and later copies the changes.
    """
    from indexer.index import open_index
    from indexer.ingest.copy import copy as copy_index

    if _canonical(source) == _canonical(target):
        raise StoreError(f"{source}: FROM and TO are the same index.")
    counts = {"copied": 0, "same": 0, "refused": 0, "forgotten": 0, "words": 0}
    with open_index(source, create=False) as origin, open_index(target, create=True) as copied:
        try:
            for step in _with_progress(copy_index(origin, copied, prune=prune)):
                record = _count(step, counts)
                if as_json and record:
                    click.echo(json.dumps(record))
        except KeyboardInterrupt:
            click.echo("\nInterrupted; copied recordings are kept, and the same command continues.", err=True)
            ctx.exit(INTERRUPTED)
    click.echo(json.dumps({"event": "finished", **counts}) if as_json else _summary(counts))
    ctx.exit(1 if counts["refused"] else 0)


def _canonical(store: str) -> str:
    """Canonical path or URL of a store, to compare stores without opening them."""
    from audiosearch.settings import is_url

    return store.rstrip("/") if is_url(store) else str(Path(store).expanduser().resolve())


def _count(step: Step, counts: dict[str, int]) -> dict[str, object] | None:
    """Count a step and return its record for ``--json``; None for the plan."""
    match step:
        case Planned():
            counts["same"] = step.same
            return None
        case Copied():
            counts["copied"] += 1
            counts["words"] += step.words
            event: dict[str, object] = {"event": "copied", "words": step.words}
        case Refused():
            counts["refused"] += 1
            event = {"event": "refused", "reason": step.sentence}
            click.echo(printable(step.sentence), err=True)
        case Pruned():
            counts["forgotten"] += 1
            event = {"event": "forgotten"}
    return {**event, "path": step.recording.path, "id": step.recording.id}


def _summary(counts: dict[str, int]) -> str:
    parts = [f"{count(counts['copied'], 'recording')} copied ({count(counts['words'], 'word')})"]
    named = {"identical": counts["same"], "removed": counts["forgotten"], "refused": counts["refused"]}
    return ", ".join([*parts, *(f"{number:,} {name}" for name, number in named.items() if number)]) + "."


def _with_progress(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps and show a progress bar."""
    from audiosearch.console.progress_bar import progress_bar

    with progress_bar("reading the indexes") as bar:
        for step in steps:
            if isinstance(step, Planned):
                bar.update(total=step.recordings - step.same, description="copying")
            elif not isinstance(step, Pruned):
                bar.update(advance=1, description=Path(shown(step.recording.path)).name)
            yield step
