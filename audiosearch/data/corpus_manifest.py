"""Manifests of checked rows: a corpus to a manifest, with a summary of the rows that are left out."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audiosearch.data.corpora import read_corpus
from audiosearch.data.corpus_check import Kept, Rejected, check
from audiosearch.data.download import corpus_location, download
from audiosearch.data.manifest import Utterance, manifest_writer
from audiosearch.errors import ManifestError
from audiosearch.types import Seconds

Progress = TypeVar("Progress")


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows checked so far."""

    done: int


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for rejecting rows, their number, and the id and detail of the first."""

    name: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """Kept and rejected rows of a manifest.

    Args:
        output: path of the manifest.
        seconds: of all utterances together.
        speakers: number of known speakers.
        reasons: the most frequent first.
    """

    output: Path
    utterances: int
    seconds: Seconds
    speakers: int
    reasons: tuple[Reason, ...]

    @property
    def rejected(self) -> int:
        """Number of rejected rows."""
        return sum(reason.count for reason in self.reasons)


def write_corpus_manifest(
    folder: Path,
    output: Path | None = None,
    *,
    kind: str | None = None,
    split: str | None = None,
    corpus: str | None = None,
    thorough: bool = False,
    rejects: Path | None = None,
) -> Iterator[Checked | ManifestSummary]:
    """Write the manifest of a corpus, and yield progress and finally the summary.

    Args:
        output: None: ``manifest.jsonl`` in ``folder``, or ``manifest-NAME.jsonl`` for a split or downloaded set.
        kind, split: as :func:`read_corpus` takes them.
        corpus: name of a public corpus to download into ``folder`` first; it implies kind and split.
        thorough: decode every recording to its end.
        rejects: file for the rejected rows.

    Raises:
        ManifestError: the corpus cannot be downloaded or read, a file cannot be written, or no row can be used.
    """
    if corpus is not None:
        corpus_location(corpus, folder)
    name = (corpus or split or "").rpartition(":")[2]
    output = output or folder / (f"manifest-{name}.jsonl" if name else "manifest.jsonl")
    check_outputs(output, rejects, created=folder)
    if corpus is not None:
        downloaded = download(corpus, folder)
        folder, kind = downloaded.folder, downloaded.kind
    yield from write_checked(check(read_corpus(folder, kind, split), thorough=thorough), output, rejects)


def check_outputs(output: Path, rejects: Path | None, created: Path | None = None) -> None:
    """Check that the folders of both files exist, except ``created``, which is made later.

    Raises:
        ManifestError: a folder is missing.
    """
    for path in (output, rejects):
        if path is not None and path.parent != created and not path.parent.is_dir():
            raise ManifestError(f"{path}: cannot be written, there is no folder {path.parent}.")


def write_checked(
    verdicts: Iterable[Kept | Rejected | Progress], output: Path, rejects: Path | None
) -> Iterator[Checked | Progress | ManifestSummary]:
    """Write kept rows to ``output`` and rejected ones to ``rejects``; yield progress and finally the summary.

    Raises:
        ManifestError: a file cannot be written, or no row is kept, so that no empty manifest is written.
    """
    tally = _Tally()
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(manifest_writer(output))
        rejected_rows = None
        if rejects is not None:  # once the manifest is locked
            try:
                rejected_rows = stack.enter_context(rejects.open("w", encoding="utf-8"))
            except OSError as error:
                raise ManifestError(f"{rejects}: cannot be written ({error.strerror}).") from error
        for number, verdict in enumerate(verdicts, start=1):
            if number % 100 == 0:
                yield Checked(number)
            if isinstance(verdict, Kept):
                tally.keep(verdict.utterance)
                write(verdict.utterance)
            elif isinstance(verdict, Rejected):
                tally.reject(verdict)
                if rejected_rows is not None:
                    rejected_rows.write(_rejected_row(verdict) + "\n")
            else:
                yield verdict
        if not tally.utterances:
            yield tally.summary(output)
            raise ManifestError("no row can be used, so no manifest was written.")
    yield tally.summary(output)


class _Tally:
    """Counts of kept and rejected rows."""

    def __init__(self) -> None:
        self.utterances = 0
        self.seconds = 0.0
        self.speakers: set[str] = set()
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def keep(self, utterance: Utterance) -> None:
        """Count a kept row."""
        self.utterances += 1
        self.seconds += utterance.duration or 0.0
        if utterance.speaker is not None:
            self.speakers.add(utterance.speaker)

    def reject(self, verdict: Rejected) -> None:
        """Count a rejected row."""
        self.reasons[verdict.reason] += 1
        self.examples.setdefault(verdict.reason, f"{verdict.row.id}: {verdict.detail}")

    def summary(self, output: Path) -> ManifestSummary:
        """Summary of all counts."""
        reasons = (Reason(name, count, self.examples[name]) for name, count in self.reasons.most_common())
        return ManifestSummary(output, self.utterances, self.seconds, len(self.speakers), tuple(reasons))


def _rejected_row(verdict: Rejected) -> str:
    row = verdict.row
    entry = {"id": row.id, "audio": str(row.audio) if row.audio else None, "text": row.text}
    return json.dumps({**entry, "reason": verdict.reason, "detail": verdict.detail})
