"""``audiosearch evaluate --search``: index recordings, run queries, print measures as tables or JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import json_line, printable
from audiosearch.errors import AudioSearchError, QueryError, StoreError
from audiosearch.files import lock_folder

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance
    from audiosearch.engines.engine import Engine
    from audiosearch.evaluation.references import References
    from audiosearch.types import Word
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.evaluation.evaluate import Measures, Quality
    from indexer.evaluation.std_metrics import Rates
    from indexer.index import Index
    from indexer.search.engine import Mode
    from indexer.types import Recording

WIDTH = 140  # columns of a table that is not written to a terminal

COLUMNS = ("queries", "number", "occurrences", "hits", "precision", "recall", "F1", "average precision")
MORE_COLUMNS = ("recall at precision 0.8", "ATWV", "MTWV", "OTWV", "recall ceiling")


@dataclass(frozen=True)
class Task:
    """Input of an evaluation of the search.

    Args:
        model: file or folder of the model.
        utterances: recordings with their texts.
        queries: file with queries; None: sample them from the references.
        sample_size: number of sampled queries of every length and frequency.
        word_times: transcript with word times, by utterance; missing utterances are aligned.
        mode: words, sound or auto.
        keep: folder for the index and the word times; None: a temporary one.
        engine: of the words; None: our own recognizer.
    """

    model: Path
    utterances: Sequence[Utterance]
    queries: Path | None
    sample_size: int
    word_times: Path | None
    mode: Mode
    keep: Path | None
    engine: Engine | None = None


def measure(task: Task, as_json: bool) -> bool:
    """Measure the search and print a report; returns False if some utterances could not be used."""
    from audiosearch.console.progress_bar import track
    from audiosearch.evaluation.references import References
    from audiosearch.transcripts.readers import read_transcripts
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.evaluation.evaluate import exhaustive_search, run_queries, summarize
    from indexer.evaluation.queries import prepare_queries, sample_queries
    from indexer.index import open_index
    from indexer.search.engine import is_shown

    texts = None if task.queries is None else _read_queries(task.queries)
    times = {}
    if task.word_times is not None:
        times = {transcript.name: transcript.words(1.0) for transcript in read_transcripts(task.word_times)}
    with (
        _folder(task.keep) as folder,
        open_index(str(folder / "index.db"), create=True) as index,
        LazyRecognizer(task.model, engine=task.engine) as recognizer,
    ):
        recordings = _index(index, recognizer, task.utterances)
        fingerprint = recognizer.loaded.model.fingerprint[:16]
        references = References(recognizer.loaded, times, folder / f"word-times-{fingerprint}.json")
        words, complete = _reference_words(task.utterances, recordings, references)
        language_model = recognizer.loaded.language_model
        vocabulary = None if language_model is None else frozenset(language_model.words)
        if texts is None:
            texts = sample_queries(words, vocabulary, task.sample_size)
        queries = list(prepare_queries(texts, words, {name: index.words(name) for name in words}, vocabulary))
        durations = {recording.id: recording.duration for recording in recordings.values() if recording.id in words}
        seconds = sum(durations.values())
        shown = {"is_shown": is_shown} if task.mode == "auto" else {}
        search = exhaustive_search(index, task.mode)
        quality = summarize(run_queries(search, track(queries, "searching"), frozenset(words), **shown), seconds)
        metadata = {
            "recordings": len(words),
            "seconds": round(seconds, 3),
            "words": sum(map(len, words.values())),
            "words_aligned": references.aligned,
            "mode": task.mode,
            "model": recognizer.fingerprint,
        }
    if as_json:
        click.echo(json_line({**metadata, **_record(quality)}))
    else:
        _draw(quality, metadata)
    return complete


def _reference_words(
    utterances: Sequence[Utterance], recordings: Mapping[str, Recording], references: References
) -> tuple[dict[str, Sequence[Word]], bool]:
    """Words of the references by recording id, and True if no utterance had to be left out."""
    from audiosearch.console.progress_bar import track

    words: dict[str, Sequence[Word]] = {}
    complete = True
    for utterance in track(utterances, "aligning"):
        recording = recordings.get(str(utterance.audio))
        try:
            if recording is None:  # reported by _index
                complete = False
            elif recording.id not in words:
                words[recording.id] = references.words(utterance)
        except AudioSearchError as error:
            click.echo(f"Error: {printable(utterance.id)}: {error}", err=True)
            complete = False
    references.save()
    if not words:
        raise StoreError("there is nothing to measure: no recording could be read and aligned.")
    return words, complete


def _read_queries(path: Path) -> list[str]:
    """Queries from a file with one per line."""
    from indexer.search.parse import parse

    try:
        texts = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise QueryError(f"{path}: cannot be read ({reason}); give a file with one query per line.") from error
    if not texts:
        raise QueryError(f"{path}: contains no query; write one per line.")
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
        raise StoreError(f"{keep}: cannot be created ({error.strerror}); name another folder with --keep.") from error
    with lock_folder(keep):
        yield keep


def _index(index: Index, recognizer: LazyRecognizer, utterances: Sequence[Utterance]) -> dict[str, Recording]:
    """Index the utterances with this model; returns the recordings by path."""
    from audiosearch.console.progress_bar import progress_bar
    from indexer.ingest.ingest import CrawlSummary, Indexed, Started, ingest
    from indexer.ingest.walk import Failed

    paths = list(dict.fromkeys(str(utterance.audio) for utterance in utterances))
    failed = set()
    duration = 0.0
    with progress_bar("indexing") as bar:
        for record in ingest(index, recognizer, paths, again=True):
            if isinstance(record, Failed):
                click.echo(f"Error: {printable(record.sentence)}", err=True)
                failed.add(record.path)
            elif isinstance(record, CrawlSummary):
                bar.update(total=record.seconds)
            elif isinstance(record, Started):
                duration = record.duration
            elif isinstance(record, Indexed):
                bar.update(advance=duration)
    return {
        location.path: recording
        for recording in index.recordings()
        for location in recording.locations
        if location.path not in failed
    }


def _record(quality: Quality) -> dict[str, object]:
    return {
        "classes": {name: _measures_record(measures) for name, measures in quality.classes.items()},
        "exact": {name: _measures_record(measures) for name, measures in quality.exact.items()},
        "ways": {way: _rates_record(rates) for way, rates in quality.ways.items()},
        "start_error": None
        if quality.start_errors is None
        else dict(zip(("median", "p95"), quality.start_errors, strict=True)),
        "expected_calibration_error": quality.calibration_error,
        "reliability": [
            {
                **{"low": row.low, "high": row.high, "hits": row.count},
                **{"confidence": row.mean_probability, "correct": row.accuracy},
            }
            for row in quality.table
        ],
    }


def _rates_record(rates: Rates) -> dict[str, object]:
    return {**asdict(rates), "precision": rates.precision, "recall": rates.recall, "f1": rates.f1}


def _measures_record(measures: Measures) -> dict[str, object]:
    threshold = measures.threshold
    return {
        "queries": measures.queries,
        "said": measures.occurring,
        **_rates_record(measures.rates),
        "average_precision": measures.average_precision,
        "recall_at_precision_0.8": measures.recall_at,
        "atwv": measures.atwv,
        "mtwv": measures.mtwv,
        "mtwv_threshold": threshold if threshold is not None and isfinite(threshold) else None,
        "otwv": measures.otwv,
        "recall_ceiling": measures.recall_ceiling,
    }


def _draw(quality: Quality, metadata: Mapping[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, emoji=False)
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
    if quality.start_errors is not None:
        median, p95 = (round(1000 * error) for error in quality.start_errors)
        lines.append(f"Start times of correct hits: median error {median} ms, 95th percentile {p95} ms.")
    for way, rates in quality.ways.items():
        lines.append(f"Found by {way}: {rates.hits} hits, {rates.correct} of them correct.")
    lines.append(f"{metadata['recordings']} recordings, {metadata['seconds']} seconds, {metadata['words']} words.")
    for line in lines:
        console.print(line, highlight=False)
