"""``audiosearch train``: train a network on transcribed speech, with progress."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from audiosearch.commands.options import INTERRUPTED
from audiosearch.console.durations import length
from audiosearch.display import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from audiosearch.training.events import Finished, Record, StepReport, ValidationReport

MULTIPLE = ("--train", "--valid", "--set")


class TrainCommand(click.Command):
    """Accepts several values after ``--train``, ``--valid`` or ``--set``, as from shell wildcards."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each further value, then parse."""
        return super().parse_args(ctx, spread(args))


def spread(args: Sequence[str]) -> list[str]:
    """Rewrite ``--train a b`` as ``--train a --train b``; a recipe (.yaml) is never a further value."""
    result: list[str] = []
    option, values = "", 0
    for arg in args:
        if arg.startswith("-") or arg.endswith((".yaml", ".yml")):
            option, values = (arg if arg in MULTIPLE else ""), 0
        elif option:
            if values:
                result.append(option)
            values += 1
        result.append(arg)
    return result


@click.command(
    cls=TrainCommand,
    epilog="""\b
Examples:
  audiosearch train configs/deepspeech.yaml --train corpora/*.jsonl --valid dev.jsonl --set optim.lr=3e-4
  audiosearch train --resume --output runs/deepspeech --max-minutes 60
  torchrun --nproc-per-node 4 --no-python audiosearch train configs/deepspeech.yaml""",
)
@click.argument("config", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--train", "train_manifests", multiple=True, metavar="MANIFEST…", help="Training data.")
@click.option("--valid", "valid_manifests", multiple=True, metavar="MANIFEST…", help="Validation data.")
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE…", help="Override settings.")
@click.option("--resume", is_flag=True, help="Continue the run in --output exactly where it stopped.")
@click.option("--max-minutes", type=click.FloatRange(min=0), help="Time limit; the run can be resumed.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run. Default: runs/ and the name of CONFIG.",
)
@click.option("--init", type=click.Path(path_type=Path), metavar="MODEL", help="Start from the weights of a model.")
@click.option("--prepare", is_flag=True, help="Only decode the audio into the cache.")
def train(
    config: Path | None,
    train_manifests: tuple[str, ...],
    valid_manifests: tuple[str, ...],
    overrides: tuple[str, ...],
    resume: bool,
    max_minutes: float | None,
    output: Path | None,
    init: Path | None,
    prepare: bool,
) -> None:
    """Train a DeepSpeech network on transcribed speech.

    CONFIG is a YAML recipe; omitted settings have their defaults. `audiosearch manifest` makes manifests; a folder of
    decoded audio, made by --prepare under cache/ in the folder of a run, can replace one. The folder of the run
    contains the model (best.safetensors), the state for --resume, metrics.jsonl, TensorBoard events and progress.png.
    """
    from audiosearch.config import load_config, parse_overrides

    if resume and init is not None:
        raise click.UsageError("--resume continues with the weights of the run; leave --init out.")
    output = output or Path("runs") / (config.stem if config else "default")
    recipe = config
    if resume and config is None and (output / "config.yaml").exists():
        recipe = output / "config.yaml"
    manifests = {"data.train": train_manifests, "data.valid": valid_manifests}
    named = {key: paths for key, paths in manifests.items() if paths}
    settings = load_config(recipe, parse_overrides(overrides) | named)

    from audiosearch.training.run import train as run

    stop = threading.Event()
    with _screen() as screen, _signals(stop, screen):
        for record in run(
            settings, output, resume=resume, init=init, max_minutes=max_minutes, stop=stop, prepare_only=prepare
        ):
            screen.show(record)
    if screen.model is not None:
        click.echo(printable(str(screen.model)))
    if stop.is_set():
        raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def _signals(stop: threading.Event, screen: _Screen) -> Iterator[None]:
    """On the first Ctrl-C or SIGTERM finish the step and write a checkpoint; on the second stop at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()
        restore()
        screen.say("Stopping after this step to save; press Ctrl-C again to stop at once.")

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        restore()


@contextmanager
def _screen() -> Iterator[_Screen]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[status]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Screen(console, bar)


class _Screen:
    """Shows records on standard error: a progress bar on a terminal, lines otherwise."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self.model: Path | None = None
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=None, status="", visible=False)
        self._decoded = ""

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(printable(text), markup=False)

    def show(self, record: Record) -> None:
        """Show a record."""
        from audiosearch.training import events

        if isinstance(record, events.StepReport):
            self._step(record)
        elif isinstance(record, events.ValidationReport):
            self._validation(record)
        elif isinstance(record, events.Decoding):
            if self._bar.disable and record.name != self._decoded:
                self._decoded = record.name
                self.say(f"decoding {record.total} recordings of {record.name}")
            self._advance(f"decoding {record.name}", record.done, record.total, f"{record.done} of {record.total}")
        elif isinstance(record, events.LeftOut):
            self.say(f"left out: {record.count} of {record.total} {record.name}: {record.reason}")
            for example in record.examples:
                self.say(f"  for example {example}")
        elif isinstance(record, events.Notice):
            self.say(record.text)
        elif isinstance(record, events.SkippedStep):
            self.say(
                f"step {record.step}: skipped, the loss or its gradient is not finite ({record.in_a_row} in a row)"
            )
        elif isinstance(record, events.Started):
            self.say(
                f"{record.utterances} utterances, {length(record.audio)}; for validation "
                f"{record.valid_utterances}, {length(record.valid_audio)}"
            )
            many = f" × {record.processes} processes" if record.processes > 1 else ""
            self.say(f"{record.parameters / 1e6:.1f} million weights on {record.device}{many}, {record.precision}")
            at = f", from step {record.step}" if record.step else ""
            self.say(f"{record.total_steps} steps, {record.epochs} epochs{at}; folder of the run: {record.output}")
        elif isinstance(record, events.Finished):
            self._finished(record)

    def _step(self, report: StepReport) -> None:
        epoch = min(report.epoch + 1, report.epochs)
        numbers = (
            f"loss {report.loss:.3f}  lr {report.lr:.2e}  {report.audio_per_second:.0f} s of audio/s  "
            f"{length(report.remaining)} to go"
        )
        position = f"epoch {epoch}/{report.epochs}  step {report.step}/{report.total_steps}"
        if self._bar.disable:
            self.say(f"{position}  {numbers}")
        self._advance(position, report.step, report.total_steps, numbers)

    def _advance(self, description: str, done: int, total: int, status: str) -> None:
        description = printable(description)
        self._bar.update(self._task, description=description, completed=done, total=total, status=status, visible=True)

    def _validation(self, report: ValidationReport) -> None:
        best = "  (best so far)" if report.best else ""
        self.say(
            f"validation, step {report.step}: loss {report.loss:.3f}  WER {report.wer:.1%}  CER {report.cer:.1%}{best}"
        )
        for pair in report.pairs:
            self.say(f'  true transcript: "{pair.truth}"')
            self.say(f'  prediction:      "{pair.prediction}"')

    def _finished(self, record: Finished) -> None:
        resume = f"resume it with `audiosearch train --resume --output {record.output}`."
        skipped = f" {record.skipped} steps with a non-finite loss were skipped." if record.skipped else ""
        if record.reason == "done":
            self.say(f"Training is complete after {record.step} steps.{skipped}")
        elif record.reason == "time":
            self.say(f"Time limit reached after step {record.step} of {record.total_steps}; {resume}{skipped}")
        elif record.total_steps == 0:
            self.say("Stopped while decoding the audio; run the same command to continue.")
        else:
            self.say(f"Stopped after step {record.step} of {record.total_steps}; {resume}{skipped}")
        names = ("best.safetensors", "last.safetensors")
        self.model = next((path for name in names if (path := record.output / name).exists()), None)
