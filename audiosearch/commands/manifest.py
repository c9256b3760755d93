"""``audiosearch manifest``: a corpus to a list of utterances to train on."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from audiosearch.training.check import Kept, Rejected
    from audiosearch.training.manifest import Utterance

KINDS = ("librispeech", "commonvoice", "ljspeech", "kaldi", "kur", "txt")  # corpora.KINDS, known without loading it


@click.command(
    epilog="""\b
Examples:
  audiosearch manifest corpora --download librispeech:train-clean-100
  audiosearch manifest cv-corpus/en --split dev -o dev.jsonl --rejects rejects.jsonl"""
)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; DIR/manifest.jsonl unless given, with --split NAME DIR/manifest-NAME.jsonl.",
)
@click.option("--kind", type=click.Choice(KINDS), help="What DIR holds; found out unless given.")
@click.option("--split", help="Which part: a LibriSpeech set, a Common Voice table (train unless given), a Kur .jsonl.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what is left out, and why, to this file: one JSON object a line.",
)
@click.option("--thorough", is_flag=True, help="Decode every recording to its end, not only its beginning.")
@click.option(
    "--download",
    metavar="CORPUS",
    help="First bring a public corpus into DIR: librispeech:train-clean-100, another LibriSpeech set, or ljspeech.",
)
def manifest(
    folder: Path,
    output: Path | None,
    kind: str | None,
    split: str | None,
    rejects: Path | None,
    thorough: bool,
    download: str | None,
) -> None:
    """Make a manifest of a transcribed corpus.

    DIR holds a LibriSpeech tree, a Common Voice release, an LJSpeech folder, a Kaldi data directory, a Kur data set,
    or audio with .txt files of the same names. Every row is checked: its recording must be readable, and as long as
    its text takes to say. What is left out is reported.
    """
    from audiosearch.errors import ManifestError
    from audiosearch.training.check import check
    from audiosearch.training.corpora import read_corpus
    from audiosearch.training.manifest import write_manifest

    if download is not None:
        from audiosearch.training import download as downloads

        if kind is not None or split is not None:
            raise click.UsageError("--download knows what it brings; leave --kind and --split out.")
        downloads.find(download, folder)
    name = (download or split or "").rpartition(":")[2]
    output = output or folder / (f"manifest-{name}.jsonl" if name else "manifest.jsonl")
    for path in (output, rejects):
        if path is not None and path.parent != folder and not path.parent.is_dir():
            raise ManifestError(f"{path}: cannot be written, there is no folder {path.parent}.")
    if download is not None:
        corpus = downloads.download(download, folder)
        folder, kind = corpus.folder, corpus.kind

    summary = _Summary()
    with contextlib.ExitStack() as stack:
        refused = None
        if rejects is not None:
            try:
                refused = stack.enter_context(rejects.open("w", encoding="utf-8"))
            except OSError as error:
                raise ManifestError(f"{rejects}: cannot be written ({error.strerror}).") from error
        verdicts = check(read_corpus(folder, kind, split), thorough=thorough)
        write_manifest(output, summary.kept(verdicts, refused))
    summary.show()
    click.echo(output)


class _Summary:
    """Counts verdicts while they pass, and says what they were."""

    def __init__(self) -> None:
        self.utterances = 0
        self.seconds = 0.0
        self.speakers: set[str] = set()
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def kept(self, verdicts: Iterator[Kept | Rejected], refused: TextIO | None) -> Iterator[Utterance]:
        """The utterances to write; the others go to ``refused``.

        Raises:
            ManifestError: none is left, so that no empty manifest is written.
        """
        from audiosearch.errors import ManifestError
        from audiosearch.training.check import Kept

        for number, verdict in enumerate(verdicts, start=1):
            if sys.stderr.isatty() and number % 100 == 0:
                click.echo(f"\r{number} rows", nl=False, err=True)
            if isinstance(verdict, Kept):
                self._count(verdict.utterance)
                yield verdict.utterance
                continue
            row = verdict.row
            self.reasons[verdict.reason] += 1
            self.examples.setdefault(verdict.reason, f"{row.id}: {verdict.detail}")
            if refused is not None:
                entry = {"id": row.id, "audio": str(row.audio) if row.audio else None, "text": row.text}
                refused.write(json.dumps({**entry, "reason": verdict.reason, "detail": verdict.detail}) + "\n")
        if not self.utterances:
            self.show()
            raise ManifestError("no row can be used, so no manifest was written.")

    def _count(self, utterance: Utterance) -> None:
        self.utterances += 1
        self.seconds += utterance.duration or 0.0
        if utterance.speaker is not None:
            self.speakers.add(utterance.speaker)

    def show(self) -> None:
        """What was kept, what was left out and why, on standard error."""
        start = "\r" if sys.stderr.isatty() else ""
        speakers = f", {len(self.speakers)} speakers" if self.speakers else ""
        click.echo(f"{start}kept: {self.utterances} utterances, {self.seconds / 3600:.2f} hours{speakers}", err=True)
        if self.reasons:
            click.echo(f"left out: {self.reasons.total()}", err=True)
        for reason, count in self.reasons.most_common():
            click.echo(f"  {count} × {reason}, such as {self.examples[reason]}", err=True)
