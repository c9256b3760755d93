"""Manifests of pseudo-labels: transcripts by recognizers to a manifest of training utterances."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from audiosearch.data.corpus_check import Rejected
from audiosearch.data.corpus_manifest import Checked, ManifestSummary, check_outputs, write_checked
from audiosearch.errors import ManifestError
from audiosearch.labeling.pseudo_labels import Bounds, Scoring, training_rows
from audiosearch.labeling.sources import Label, label_transcripts, read_labels, read_transcripts
from audiosearch.model_folder import find_model
from audiosearch.recognizer import Recognizer
from audiosearch.types import Transcript


def write_label_manifest(
    source: Path | Iterable[Transcript],
    output: Path,
    bounds: Bounds,
    *,
    score: bool = True,
    model: Path | None = None,
    clips: Path | None = None,
    rejects: Path | None = None,
) -> Iterator[Checked | Scoring | ManifestSummary]:
    """Write the manifest of texts by recognizers, and yield progress and finally the summary.

    Args:
        source: a manifest with texts by a recognizer, a folder of recordings with transcripts beside them, or
            transcripts.
        score: check the texts by a network.
        model: of that network; None: the installed one. Scores in a manifest count only for None.
        clips: folder for parts of recordings; None: parts are rejected.
        rejects: file for the rejected rows.

    Raises:
        ManifestError: the source cannot be read, a file cannot be written, or no row can be used.
        ModelError: the model cannot be loaded.
        OutputError: a clip cannot be written.
    """
    check_outputs(output, rejects)
    if isinstance(source, Path) and output.absolute() == source.absolute():
        raise ManifestError(f"{output}: is the manifest that is read; name another by --output.")
    path = find_model(model) if score else None
    labels = _labels(source, bounds, keep_scores=model is None)
    with contextlib.ExitStack() as stack:
        recognizer = None
        if score:
            recognizer = stack.enter_context(Recognizer.load(path, keep_emissions=False, greedy=True))
        yield from write_checked(training_rows(labels, bounds, recognizer=recognizer, clips=clips), output, rejects)


def _labels(source: Path | Iterable[Transcript], bounds: Bounds, *, keep_scores: bool) -> Iterator[Label | Rejected]:
    if not isinstance(source, Path):
        yield from label_transcripts(source, bounds.max_seconds)
    elif not source.is_file():
        yield from read_transcripts(source, bounds.max_seconds)
    elif keep_scores:
        yield from read_labels(source)
    else:
        yield from (replace(label, score=None) for label in read_labels(source))
