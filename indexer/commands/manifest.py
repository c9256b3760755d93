"""``audiosearch manifest``: a corpus, or transcripts by recognizers, to a list of utterances to train on."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from indexer.commands.options import model_option

if TYPE_CHECKING:
    from audiosearch.data.corpus_check import Kept, Rejected
    from audiosearch.data.manifest import Utterance
    from audiosearch.labeling.pseudo_labels import Bounds, Scoring
    from audiosearch.labeling.sources import Label

KINDS = ("librispeech", "commonvoice", "ljspeech", "kaldi", "kur", "txt")  # corpora.KINDS, known without loading it


@click.command(
    epilog="""\b
Examples:
  audiosearch manifest corpora --download librispeech:train-clean-100
  audiosearch manifest cv-corpus/en --split dev -o dev.jsonl --rejects rejects.jsonl
  audiosearch manifest ~/Podcasts --transcripts --clips clips -o podcasts.jsonl
  audiosearch manifest ~/Podcasts --from-index talks.db --clips clips -o podcasts.jsonl --min-confidence 0.8
  audiosearch manifest labeled.jsonl -o checked.jsonl --drop-worst 0.1 --rejects rejects.jsonl"""
)
@click.argument("source", metavar="[DIR|FILE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; of a corpus DIR/manifest.jsonl unless given, with --split NAME DIR/manifest-NAME.jsonl.",
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
@click.option(
    "--transcripts",
    is_flag=True,
    help="DIR holds recordings, and beside them transcripts by other recognizers with the same names.",
)
@click.option(
    "--from-index",
    metavar="PATH_OR_URL",
    help="Take the transcripts of this index; with DIR, only of recordings there.",
)
@click.option(
    "--clips",
    type=click.Path(file_okay=False, path_type=Path),
    help="Cut long recordings at pauses, and write the parts to this folder as FLAC.",
)
@click.option(
    "--max-seconds", type=click.FloatRange(min=1), help="Longest utterance; what is longer is cut. 17 unless given."
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    help="Leave out texts of which the recognizer was less sure; 0.6 unless given, an avg_logprob of -0.5.",
)
@click.option(
    "--min-score",
    type=float,
    help="Leave out texts that the model scores lower, in nats per letter; -2 unless given.",
)
@click.option(
    "--drop-worst",
    metavar="FRACTION",
    type=click.FloatRange(0, 1, max_open=True),
    help="Of what is left, leave out this share with the lowest scores.",
)
@click.option("--no-score", is_flag=True, help="Do not check texts by a model.")
@model_option
def manifest(
    source: Path | None,
    output: Path | None,
    kind: str | None,
    split: str | None,
    rejects: Path | None,
    thorough: bool,
    download: str | None,
    transcripts: bool,
    from_index: str | None,
    clips: Path | None,
    max_seconds: float | None,
    min_confidence: float | None,
    min_score: float | None,
    drop_worst: float | None,
    no_score: bool,
    model: Path | None,
) -> None:
    """Make a manifest of a transcribed corpus, or of transcripts by recognizers.

    DIR holds a LibriSpeech tree, a Common Voice release, an LJSpeech folder, a Kaldi data directory, a Kur data set,
    or audio with .txt files of the same names. Every row is checked: its recording must be readable, and as long as
    its text takes to say. What is left out is reported.

    Texts by a recognizer are taken from an index (--from-index), from files of Whisper, WhisperX, Vosk, CTM or WebVTT
    beside recordings (--transcripts), or from FILE, a manifest with `teacher_text` and `avg_logprob`. Of these, texts
    are left out that are unsure, repeated over and over, or in another language, and those that a model does not hear
    in the recording. docs/training-data.md describes the checks.
    """
    options = {
        **{"--clips": clips, "--max-seconds": max_seconds, "--min-confidence": min_confidence},
        **{"--min-score": min_score, "--drop-worst": drop_worst, "--no-score": no_score or None, "--model": model},
    }
    given = [name for name, value in options.items() if value is not None]
    by_recognizer = transcripts or from_index is not None or (source is not None and source.is_file())
    if by_recognizer:
        if kind is not None or split is not None or download is not None or thorough:
            raise click.UsageError("--kind, --split, --download and --thorough: only with a corpus.")
        if transcripts and (from_index is not None or source is None or source.is_file()):
            raise click.UsageError("--transcripts: give the folder of the recordings, and no --from-index.")
        if output is None:
            raise click.UsageError("Name the manifest to write by --output.")
        if no_score and (wrong := [name for name in ("--min-score", "--drop-worst", "--model") if name in given]):
            raise click.UsageError(f"{' and '.join(wrong)}: not with --no-score.")
        from audiosearch.labeling.pseudo_labels import MIN_CONFIDENCE, MIN_SCORE, Bounds
        from audiosearch.labeling.sources import MAX_SECONDS

        if no_score:
            min_score = -math.inf  # rows may have scores already
        bounds = Bounds(
            MAX_SECONDS if max_seconds is None else max_seconds,
            MIN_CONFIDENCE if min_confidence is None else min_confidence,
            MIN_SCORE if min_score is None else min_score,
            drop_worst or 0.0,
        )
        _of_recognizer(source, output, rejects, from_index, clips, bounds, model, score=not no_score)
        return
    if given:
        raise click.UsageError(f"{' and '.join(given)}: only with --from-index, --transcripts, or a manifest as FILE.")
    if source is None:
        raise click.UsageError("Give the folder of a corpus, a manifest, or --from-index.")
    _of_corpus(source, output, kind, split, rejects, thorough, download)


def _of_corpus(
    folder: Path,
    output: Path | None,
    kind: str | None,
    split: str | None,
    rejects: Path | None,
    thorough: bool,
    download: str | None,
) -> None:
    """Write the manifest of a corpus that people transcribed."""
    from audiosearch.data.corpora import read_corpus
    from audiosearch.data.corpus_check import check

    if download is not None:
        from audiosearch.data import download as downloads

        if kind is not None or split is not None:
            raise click.UsageError("--download knows what it brings; leave --kind and --split out.")
        downloads.corpus_location(download, folder)
    name = (download or split or "").rpartition(":")[2]
    output = output or folder / (f"manifest-{name}.jsonl" if name else "manifest.jsonl")
    _check_outputs(output, rejects, made=folder)
    if download is not None:
        corpus = downloads.download(download, folder)
        folder, kind = corpus.folder, corpus.kind

    _write(check(read_corpus(folder, kind, split), thorough=thorough), output, rejects)


def _of_recognizer(
    source: Path | None,
    output: Path,
    rejects: Path | None,
    store: str | None,
    clips: Path | None,
    bounds: Bounds,
    model: Path | None,
    *,
    score: bool,
) -> None:
    """Write the manifest of texts that recognizers wrote."""
    from audiosearch.errors import ManifestError
    from audiosearch.labeling.pseudo_labels import training_rows
    from audiosearch.labeling.sources import label_transcripts, read_labels, read_transcripts
    from audiosearch.model_folder import find_model
    from indexer.console.lazy_recognizer import LazyRecognizer

    _check_outputs(output, rejects)
    if source is not None and output.absolute() == source.absolute():
        raise ManifestError(f"{output}: is the manifest that is read; name another by --output.")
    path = find_model(model) if score else None
    with contextlib.ExitStack() as stack:
        labels: Iterable[Label | Rejected]
        if store is not None:
            from indexer.export.transcripts import recordings_under, stored_transcripts
            from indexer.index import open_index

            index = stack.enter_context(open_index(store, create=False))
            recordings = index.recordings()
            chosen = recordings if source is None else recordings_under(recordings, str(source))
            labels = label_transcripts(stored_transcripts(index, chosen), bounds.max_seconds)
        elif source is not None and source.is_file():
            labels = read_labels(source)
            if model is not None:  # what another model found says nothing of this one
                labels = (replace(label, score=None) for label in labels)
        else:
            assert source is not None
            labels = read_transcripts(source, bounds.max_seconds)
        recognizer = stack.enter_context(LazyRecognizer(path, greedy=True, sound=False)).loaded if score else None
        _write(training_rows(labels, bounds, recognizer=recognizer, clips=clips), output, rejects)


def _check_outputs(output: Path, rejects: Path | None, made: Path | None = None) -> None:
    """ManifestError where a file cannot be written; the folder ``made`` is made yet."""
    from audiosearch.errors import ManifestError

    for path in (output, rejects):
        if path is not None and path.parent != made and not path.parent.is_dir():
            raise ManifestError(f"{path}: cannot be written, there is no folder {path.parent}.")


def _write(verdicts: Iterator[Kept | Rejected | Scoring], output: Path, rejects: Path | None) -> None:
    """Write what is kept, and what is not where ``rejects`` asks for it; say how much it was."""
    from audiosearch.data.manifest import write_manifest
    from audiosearch.errors import ManifestError

    summary = _Summary()
    with contextlib.ExitStack() as stack:
        refused = None
        if rejects is not None:
            try:
                refused = stack.enter_context(rejects.open("w", encoding="utf-8"))
            except OSError as error:
                raise ManifestError(f"{rejects}: cannot be written ({error.strerror}).") from error
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

    def kept(self, verdicts: Iterator[Kept | Rejected | Scoring], refused: TextIO | None) -> Iterator[Utterance]:
        """The utterances to write; the others go to ``refused``.

        Raises:
            ManifestError: none is left, so that no empty manifest is written.
        """
        from audiosearch.data.corpus_check import Kept, Rejected
        from audiosearch.errors import ManifestError

        for number, verdict in enumerate(verdicts, start=1):
            if sys.stderr.isatty() and number % 100 == 0:
                click.echo(f"\r{number} rows", nl=False, err=True)
            if isinstance(verdict, Kept):
                self._count(verdict.utterance)
                yield verdict.utterance
                continue
            if not isinstance(verdict, Rejected):
                if sys.stderr.isatty():
                    click.echo(f"\rscored {verdict.done} of {verdict.total}", nl=False, err=True)
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
