"""``audiosearch evaluate``: transcribe recordings, print error rates as tables or JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import json_line, printable
from indexer.console.format import length, pace

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from audiosearch.evaluation.bootstrap import Interval
    from audiosearch.evaluation.error_rates import (
        Evaluation,
        EvaluationSet,
        Group,
        RecognizedUtterance,
        UtteranceErrors,
    )
    from audiosearch.evaluation.metrics import ErrorRate

WIDTH = 140  # columns of a table that is not written to a terminal


@dataclass(frozen=True)
class View:
    """Optional parts of a report, after the rates of all utterances.

    Args:
        sets: True for rates by set.
        speakers: True for rates by speaker.
        worst: number of utterances with the highest rates to list.
        lines: file for a JSON object per utterance; "-" prints them instead of the rates; None: none are written.
    """

    sets: bool
    speakers: bool
    worst: int
    lines: Path | None = None

    @property
    def prints_lines(self) -> bool:
        """True if the objects of the utterances are the output."""
        return self.lines == Path("-")


def report(model: Path, sets: Sequence[EvaluationSet], view: View, as_json: bool) -> bool:
    """Transcribe, score and print a report; returns False if some utterances could not be read."""
    from audiosearch.console.progress_bar import track
    from audiosearch.evaluation.error_rates import (
        Failure,
        recognize_sets,
        score,
        score_sets,
        score_speakers,
        worst_utterances,
    )
    from indexer.console.lazy_recognizer import LazyRecognizer

    recognized: list[RecognizedUtterance] = []
    everything = [utterance for group in sets for utterance in group.utterances]
    failed = False
    with LazyRecognizer(model, sound=False) as recognizer:
        loaded = recognizer.loaded
        started = time.perf_counter()
        results = recognize_sets(loaded, sets)
        for result in track(results, "transcribing", len(everything)):
            if isinstance(result, Failure):
                click.echo(f"Error: {printable(result.utterance.id)}: {result.error}", err=True)
                failed = True
            else:
                recognized.append(result)
        elapsed = time.perf_counter() - started
    if recognized:
        # recognized in order of length
        order = {id(utterance): number for number, utterance in enumerate(everything)}
        recognized.sort(key=lambda item: order[id(item.utterance)])
        by_set = score_sets(recognized) if view.sets else None
        speakers = score_speakers(recognized) if view.speakers else None
        worst = worst_utterances(recognized, view.worst) if view.worst else None
        if view.lines is not None:
            _write_lines(recognized, view.lines)
        if view.prints_lines:
            return not failed
        (_write_json if as_json else _draw)(score(recognized), elapsed, by_set, speakers, worst)
    return not failed


# JSON


def _write_json(
    evaluation: Evaluation,
    elapsed: float,
    sets: Sequence[Group] | None,
    speakers: Sequence[Group] | None,
    worst: Sequence[UtteranceErrors] | None,
) -> None:
    record = _record(evaluation) | {"realtime": round(evaluation.audio_seconds / elapsed, 2)}
    if sets is not None:
        record["sets"] = [{"set": group.set_name, **_record(group.evaluation)} for group in sets]
        record["mean_wer_of_sets"] = sum(group.evaluation.words.rate for group in sets) / len(sets)
    if speakers is not None:
        record["speakers"] = [
            {"set": group.set_name, "speaker": group.speaker, **_record(group.evaluation)} for group in speakers
        ]
    if worst is not None:
        record["worst"] = [_utterance_record(errors) for errors in worst]
    click.echo(json_line(record))


def _write_lines(recognized: Sequence[RecognizedUtterance], target: Path) -> None:
    """Write a JSON object for each utterance, to standard output for "-"."""
    from audiosearch.errors import OutputError
    from audiosearch.files import atomic_write

    lines = (json_line(_line_record(item)) for item in recognized)
    if target == Path("-"):
        for line in lines:
            click.echo(line)
        return
    try:
        with atomic_write(target) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror}).") from error


def _line_record(item: RecognizedUtterance) -> dict[str, object]:
    from audiosearch.evaluation.metrics import count_word_errors

    reference = item.utterance
    counts = count_word_errors(reference.text, item.text)
    return {
        **{"id": reference.id, "set": item.set_name, "speaker": reference.speaker, "audio": str(reference.audio)},
        **{"duration": round(item.duration, 3), "reference": reference.text, "hypothesis": item.text},
        "errors": counts.substitutions + counts.deletions + counts.insertions,
        **asdict(counts),
    }


def _record(evaluation: Evaluation) -> dict[str, object]:
    return {
        "wer": evaluation.words.rate,
        "cer": evaluation.characters.rate,
        "greedy_wer": evaluation.greedy_words.rate,
        "greedy_cer": evaluation.greedy_characters.rate,
        "utterances": evaluation.utterances,
        "words": evaluation.words.total,
        "audio_seconds": round(evaluation.audio_seconds, 3),
        "wer_interval": None if evaluation.word_interval is None else asdict(evaluation.word_interval),
        "cer_interval": None if evaluation.character_interval is None else asdict(evaluation.character_interval),
    }


def _utterance_record(errors: UtteranceErrors) -> dict[str, object]:
    reference = errors.recognized.utterance
    return {
        "id": reference.id,
        "set": errors.recognized.set_name,
        "speaker": reference.speaker,
        "audio": str(reference.audio),
        "wer": errors.words.rate,
        "errors": errors.words.errors,
        "words": errors.words.total,
        "reference": reference.text,
        "hypothesis": errors.recognized.text,
    }


# Tables


def _draw(
    evaluation: Evaluation,
    elapsed: float,
    sets: Sequence[Group] | None,
    speakers: Sequence[Group] | None,
    worst: Sequence[UtteranceErrors] | None,
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, emoji=False)
    table = Table("decoding", "word errors", "character errors")
    for name, words, characters in (
        ("beam search", evaluation.words, evaluation.characters),
        ("greedy", evaluation.greedy_words, evaluation.greedy_characters),
    ):
        shown = [f"{rate.rate:.2%}  ({rate.errors} of {rate.total})" for rate in (words, characters)]
        table.add_row(name, *shown)
        if name == "beam search":
            intervals = (evaluation.word_interval, evaluation.character_interval)
            table.add_row("  95 % interval", *(_interval(interval) for interval in intervals))
    facts = (f"{evaluation.utterances} utterances", length(evaluation.audio_seconds))
    table.caption = ", ".join(filter(None, (*facts, pace(evaluation.audio_seconds / elapsed))))
    if evaluation.word_interval is not None:
        table.caption += f"; bootstrap intervals over {evaluation.word_interval.unit}"
    console.print(table)
    if sets is not None:
        table = _table("set")
        for group in sets:
            table.add_row(_plain(group.set_name), *_cells(group.evaluation))
        if len(sets) > 1:
            mean = sum(group.evaluation.words.rate for group in sets) / len(sets)
            table.add_row("mean of sets", "", "", f"{mean:.2%}")
        console.print(table)
    if speakers is not None:
        table = _table("set", "speaker")
        for group in speakers:
            table.add_row(_plain(group.set_name), _plain(group.speaker or "unknown"), *_cells(group.evaluation))
        console.print(table)
    for errors in worst or ():
        reference = errors.recognized.utterance
        source = ", ".join(part for part in (errors.recognized.set_name, reference.speaker) if part)
        console.print(
            f"\n{printable(reference.id)} ({printable(source)}): {_rate(errors.words)}", highlight=False, markup=False
        )
        for name, text in (("reference ", reference.text), ("hypothesis", errors.recognized.text)):
            console.print(f"  {name}  {printable(text)}", highlight=False, markup=False, soft_wrap=True)


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(*names, "utterances", "audio", "word errors", "95 % interval", "character errors")
    for column in table.columns[len(names) :]:
        column.justify = "right"
    return table


def _plain(name: str) -> Text:
    """A name in a table, safe to display, in which brackets are no markup."""
    from rich.text import Text

    return Text(printable(name))


def _cells(evaluation: Evaluation) -> tuple[str, ...]:
    return (
        str(evaluation.utterances),
        length(evaluation.audio_seconds),
        f"{evaluation.words.rate:.2%}",
        _interval(evaluation.word_interval),
        f"{evaluation.characters.rate:.2%}",
    )


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low:.2%} to {interval.high:.2%}"


def _rate(rate: ErrorRate) -> str:
    return f"{rate.rate:.0%}, {rate.errors} of {rate.total} words"
