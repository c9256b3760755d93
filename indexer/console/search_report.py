"""``audiosearch evaluate --search``: recordings → index → queries → measures, drawn or as JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from audiosearch.errors import AudioSearchError, QueryError, StoreError

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance
    from audiosearch.evaluation.references import References
    from audiosearch.types import Word
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.evaluation.evaluate import Measures, Quality
    from indexer.evaluation.std_metrics import Rates
    from indexer.index import Index
    from indexer.search.engine import Mode
    from indexer.types import Recording

Item = TypeVar("Item")

WIDTH = 140  # of a table that no terminal limits

COLUMNS = ("queries", "asked", "said", "hits", "precision", "recall", "F1", "average precision")
MORE_COLUMNS = ("recall at precision 0.8", "ATWV", "MTWV", "OTWV", "recall ceiling")


@dataclass(frozen=True)
class Task:
    """What is to be measured.

    Args:
        model: file or folder.
        utterances: that are searched.
        queries: a file of queries; None: they are drawn.
        draw: so many of every length and frequency.
        times: a file with word times, for those whose utterance is named there; the others are aligned.
        mode: where the search looks.
        keep: a folder for index and word times; None: a temporary one.
    """

    model: Path
    utterances: Sequence[Utterance]
    queries: Path | None
    draw: int
    times: Path | None
    mode: Mode
    keep: Path | None


def measure(task: Task, as_json: bool) -> bool:
    """Measure and draw; whether all utterances could be used."""
    from audiosearch.evaluation.references import References
    from audiosearch.transcripts.readers import read_transcripts
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.evaluation.evaluate import ask, assess, every_hit
    from indexer.evaluation.queries import draw, look_up
    from indexer.index import open_index
    from indexer.search.engine import is_shown

    texts = None if task.queries is None else _read_queries(task.queries)
    times = {} if task.times is None else {one.name: one.words(1.0) for one in read_transcripts(task.times)}
    with (
        _folder(task.keep) as folder,
        open_index(str(folder / "index.db"), create=True) as index,
        LazyRecognizer(task.model) as recognizer,
    ):
        recordings = _index(index, recognizer, task.utterances)
        heard_by = recognizer.loaded.model.fingerprint[:16]
        references = References(recognizer.loaded, times, folder / f"word-times-{heard_by}.json")
        spoken, good = _spoken(task.utterances, recordings, references)
        language_model = recognizer.loaded.language_model
        vocabulary = None if language_model is None else frozenset(language_model.words)
        if texts is None:
            texts = draw(spoken, vocabulary, task.draw)
        asked = list(look_up(texts, spoken, {name: index.words(name) for name in spoken}, vocabulary))
        seconds = sum({one.id: one.duration for one in recordings.values() if one.id in spoken}.values())
        decides = {"shown": is_shown} if task.mode == "auto" else {}
        outcomes = ask(every_hit(index, task.mode), _told(asked, "Asking"), frozenset(spoken), **decides)
        quality = assess(outcomes, seconds)
        facts = {
            "recordings": len(spoken),
            "seconds": round(seconds, 3),
            "words": sum(map(len, spoken.values())),
            "words_aligned": references.aligned,
            "mode": task.mode,
            "model": recognizer.fingerprint,
        }
    if as_json:
        click.echo(json.dumps({**facts, **_record(quality)}, ensure_ascii=False))
    else:
        _draw(quality, facts)
    return good


def _spoken(
    utterances: Sequence[Utterance], recordings: Mapping[str, Recording], references: References
) -> tuple[dict[str, Sequence[Word]], bool]:
    """What is said in each recording, by its id; and whether that is known of all utterances."""
    spoken: dict[str, Sequence[Word]] = {}
    good = True
    for utterance in _told(utterances, "Aligning"):
        recording = recordings.get(str(utterance.audio))
        try:
            if recording is None:  # which has been said
                good = False
            elif recording.id not in spoken:
                spoken[recording.id] = references.words(utterance)
        except AudioSearchError as error:
            click.echo(f"Error: {utterance.id}: {error}", err=True)
            good = False
    references.save()
    if not spoken:
        raise StoreError("nothing can be measured: there is no recording that could be read and aligned.")
    return spoken, good


def _read_queries(path: Path) -> list[str]:
    """The lines of a file, of which each can be asked."""
    from indexer.search.parse import parse

    try:
        texts = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise QueryError(f"{path}: cannot be read ({reason}); give a file with a query a line.") from error
    if not texts:
        raise QueryError(f"{path}: holds no query; write one a line.")
    for text in texts:
        parse([text])
    return texts


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="audiosearch-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{keep}: the folder cannot be made ({error.strerror}); name another by --keep.") from error
    yield keep


def _index(index: Index, recognizer: LazyRecognizer, utterances: Sequence[Utterance]) -> dict[str, Recording]:
    """The recordings by path, all transcribed by this model."""
    from indexer.ingest.ingest import CrawlSummary, Indexed, Started, ingest
    from indexer.ingest.walk import Failed

    failed = set()
    length = 0.0
    with _bar("Indexing") as advance:
        for record in ingest(index, recognizer, list({str(u.audio): None for u in utterances}), again=True):
            if isinstance(record, Failed):
                click.echo(f"Error: {record.sentence}", err=True)
                failed.add(record.path)
            elif isinstance(record, CrawlSummary):
                advance(0.0, record.seconds)
            elif isinstance(record, Started):
                length = record.duration
            elif isinstance(record, Indexed):
                advance(length, None)
    found = {location.path: one for one in index.recordings() for location in one.locations}
    return {path: one for path, one in found.items() if path not in failed}


@contextmanager
def _bar(name: str) -> Iterator[Callable[[float, float | None], None]]:
    """A function that moves a bar on standard error by so much, of a new total where one is given."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda step, total: progress.update(task, advance=step, total=total)


def _told(items: Sequence[Item], name: str) -> Iterator[Item]:
    """The items, with a bar on standard error."""
    with _bar(name) as advance:
        advance(0.0, len(items))
        for item in items:
            yield item
            advance(1.0, None)


def _record(quality: Quality) -> dict[str, object]:
    return {
        "classes": {name: _facts(measures) for name, measures in quality.classes.items()},
        "exact": {name: _facts(measures) for name, measures in quality.exact.items()},
        "ways": {way: _rates(rates) for way, rates in quality.ways.items()},
        "start_error": None if quality.late is None else dict(zip(("median", "p95"), quality.late, strict=True)),
        "expected_calibration_error": quality.calibration_error,
        "reliability": [
            {
                **{"low": row.low, "high": row.high, "hits": row.count},
                **{"confidence": row.mean_probability, "correct": row.accuracy},
            }
            for row in quality.table
        ],
    }


def _rates(rates: Rates) -> dict[str, object]:
    return {**asdict(rates), "precision": rates.precision, "recall": rates.recall, "f1": rates.f1}


def _facts(measures: Measures) -> dict[str, object]:
    best = measures.threshold
    return {
        "queries": measures.queries,
        "said": measures.said,
        **_rates(measures.rates),
        "average_precision": measures.average_precision,
        "recall_at_precision_0.8": measures.recall_at,
        "atwv": measures.atwv,
        "mtwv": measures.mtwv,
        "mtwv_threshold": best if best is not None and isfinite(best) else None,
        "otwv": measures.otwv,
        "recall_ceiling": measures.recall_ceiling,
    }


def _draw(quality: Quality, facts: Mapping[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for title, classes in (("the search", quality.classes), ("exact search in the best transcripts", quality.exact)):
        table = Table(*COLUMNS, *MORE_COLUMNS, title=title, title_justify="left")
        for name, measures in classes.items():
            rates = measures.rates
            values = (
                *(rates.precision, rates.recall, rates.f1),
                *(measures.average_precision, measures.recall_at),
                *(measures.atwv, measures.mtwv, measures.otwv, measures.recall_ceiling),
            )
            counts = (measures.queries, rates.occurrences, rates.hits)
            table.add_row(name, *map(str, counts), *("" if value is None else f"{value:.3f}" for value in values))
        for column in table.columns[1:]:
            column.justify = "right"
        console.print(table)
    table = Table("confidence", "hits", "mean confidence", "correct", title="reliability", title_justify="left")
    for row in quality.table:
        numbers = (f"{row.mean_probability:.3f}", f"{row.accuracy:.3f}")
        table.add_row(f"{row.low:.1f}–{row.high:.1f}", str(row.count), *numbers)
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    lines = []
    if quality.calibration_error is not None:
        lines.append(f"Expected calibration error {quality.calibration_error:.3f}.")
    if quality.late is not None:
        median, most = (round(1000 * error) for error in quality.late)
        lines.append(f"Start times of correct hits: median error {median} ms, 95th percentile {most} ms.")
    for way, rates in quality.ways.items():
        lines.append(f"Found by {way}: {rates.hits} hits, of which {rates.correct} are correct.")
    lines.append(f"{facts['recordings']} recordings, {facts['seconds']} seconds, {facts['words']} words said.")
    for line in lines:
        console.print(line, highlight=False)
