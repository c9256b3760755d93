"""``audiosearch manifest``: manifests of corpora and of transcripts by recognizers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import printable
from indexer.commands.options import model_option
from indexer.console.format import length

if TYPE_CHECKING:
    from audiosearch.data.corpus_manifest import Checked, ManifestSummary
    from audiosearch.labeling.pseudo_labels import Scoring
    from audiosearch.types import Transcript

KINDS = ("librispeech", "commonvoice", "ljspeech", "kaldi", "kur", "txt")  # corpora.KINDS, without loading it


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
    help="Manifest to write. Default for a corpus: DIR/manifest.jsonl; with --split NAME, DIR/manifest-NAME.jsonl.",
)
@click.option("--kind", type=click.Choice(KINDS), help="Kind of the corpus in DIR. Default: detected.")
@click.option(
    "--split", help="Part of the corpus: a LibriSpeech set, a Common Voice table (default: train), a Kur .jsonl."
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rejected rows with reasons to this file, one JSON object per line.",
)
@click.option("--thorough", is_flag=True, help="Decode every recording to its end, not only its beginning.")
@click.option(
    "--download",
    metavar="CORPUS",
    help="Download a public corpus into DIR first: librispeech:train-clean-100, another LibriSpeech set, or ljspeech.",
)
@click.option(
    "--transcripts",
    is_flag=True,
    help="DIR contains recordings with transcripts by other recognizers, of the same names, beside them.",
)
@click.option(
    "--from-index",
    metavar="PATH_OR_URL",
    help="Use the transcripts of this index; with DIR, only of recordings there.",
)
@click.option(
    "--clips",
    type=click.Path(file_okay=False, path_type=Path),
    help="Cut long recordings at pauses, and write the parts to this folder as FLAC.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=1),
    help="Maximum duration of an utterance; longer recordings are cut. Default: 17.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    help="Minimum confidence of the recognizer. Default: 0.6, an avg_logprob of -0.5.",
)
@click.option(
    "--min-score",
    type=float,
    help="Minimum score of a text by the model, in nats per letter. Default: -2.",
)
@click.option(
    "--drop-worst",
    metavar="FRACTION",
    type=click.FloatRange(0, 1, max_open=True),
    help="Reject this fraction of the remaining rows, those with the lowest scores.",
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

    DIR is a LibriSpeech tree, a Common Voice release, an LJSpeech folder, a Kaldi data directory, a Kur data set, or
    a folder of audio with .txt files of the same names. Every row is checked: its recording must be readable, and its
    duration must suit its text. Rejected rows are reported.

    Texts by a recognizer come from an index (--from-index), from transcripts beside recordings, of any format that
    `audiosearch import` reads (--transcripts), or from FILE, a manifest with `teacher_text` and `avg_logprob`. Of
    these, texts with low confidence, loops and texts in other languages are rejected, and texts that do not match the
    recording by a model's score. docs/training-data.md describes the checks.
    """
    options = {
        **{"--clips": clips, "--max-seconds": max_seconds, "--min-confidence": min_confidence},
        **{"--min-score": min_score, "--drop-worst": drop_worst, "--no-score": no_score or None, "--model": model},
    }
    given = [name for name, value in options.items() if value is not None]
    by_recognizer = transcripts or from_index is not None or (source is not None and source.is_file())
    if not by_recognizer:
        if given:
            raise click.UsageError(
                f"{' and '.join(given)}: only with --from-index, --transcripts, or a manifest as FILE."
            )
        if source is None:
            raise click.UsageError("Give the folder of a corpus, a manifest, or --from-index.")
        if download is not None and (kind is not None or split is not None):
            raise click.UsageError("--download implies the kind and the split; leave --kind and --split out.")
        from audiosearch.data.corpus_manifest import write_corpus_manifest

        _report(
            write_corpus_manifest(
                source, output, kind=kind, split=split, corpus=download, thorough=thorough, rejects=rejects
            )
        )
        return
    if kind is not None or split is not None or download is not None or thorough:
        raise click.UsageError("--kind, --split, --download and --thorough: only with a corpus.")
    if transcripts and (from_index is not None or source is None or source.is_file()):
        raise click.UsageError("--transcripts: give the folder of the recordings, and no --from-index.")
    if output is None:
        raise click.UsageError("Name the manifest to write by --output.")
    if no_score and (conflicts := [name for name in ("--min-score", "--drop-worst", "--model") if name in given]):
        raise click.UsageError(f"{' and '.join(conflicts)}: not with --no-score.")
    from audiosearch.labeling.label_manifest import write_label_manifest
    from audiosearch.labeling.pseudo_labels import Bounds

    limits = {"max_seconds": max_seconds, "min_confidence": min_confidence, "drop_worst": drop_worst}
    limits["min_score"] = -math.inf if no_score else min_score  # rows may have scores already
    bounds = Bounds(**{name: value for name, value in limits.items() if value is not None})
    with contextlib.ExitStack() as stack:
        texts: Path | Iterable[Transcript]
        if from_index is None:
            assert source is not None
            texts = source
        else:
            from indexer.export.transcripts import recordings_under, stored_transcripts
            from indexer.index import open_index

            index = stack.enter_context(open_index(from_index, create=False))
            recordings = index.recordings()
            selected = recordings if source is None else recordings_under(recordings, str(source))
            texts = stored_transcripts(index, selected)
        _report(
            write_label_manifest(texts, output, bounds, score=not no_score, model=model, clips=clips, rejects=rejects)
        )


def _report(records: Iterator[Checked | Scoring | ManifestSummary]) -> None:
    """Show a progress bar, then print the summary and the path of the manifest."""
    from audiosearch.console.progress_bar import progress_bar
    from audiosearch.data.corpus_manifest import Checked, ManifestSummary

    summary, state = None, ""
    try:
        with progress_bar("checking", poll=lambda: {"state": state}):
            for record in records:
                if isinstance(record, ManifestSummary):
                    summary = record
                elif isinstance(record, Checked):
                    state = f"{record.done} rows"
                else:
                    state = f"scored {record.done} of {record.total}"
    finally:
        if summary is not None:  # also if no row could be used
            _print_summary(summary)
    assert summary is not None
    click.echo(printable(str(summary.output)))


def _print_summary(summary: ManifestSummary) -> None:
    """Print the rows kept, and those left out by reason, to standard error."""
    speakers = f", {summary.speakers} speakers" if summary.speakers else ""
    click.echo(f"kept: {summary.utterances} utterances, {length(summary.seconds)}{speakers}", err=True)
    if summary.reasons:
        click.echo(f"left out: {summary.rejected}", err=True)
    for reason in summary.reasons:
        click.echo(f"  {reason.count} × {reason.name}, such as {printable(reason.example)}", err=True)
