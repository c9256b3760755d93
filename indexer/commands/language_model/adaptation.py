"""``audiosearch lm --from``: a language model adapted to the transcripts of a library."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from audiosearch.display import printable
from indexer.console.format import count


@dataclass(frozen=True)
class Task:
    """Options of the command, as ``audiosearch.language_model.adaptation.adapt`` describes them.

    Args:
        store: as of `--from`.
        output: folder of a model, or file of a language model.
        model: file or folder; None: the configured one.
        recognized: with the words of our network.
    """

    store: str
    output: Path
    model: Path | None
    texts: tuple[tuple[Path, ...], ...]
    notes: tuple[Path, ...]
    recognized: bool
    prune: tuple[int, ...] | None
    min_count: int
    memory: str
    arpa: Path | None


def adapt_to_library(task: Task) -> None:
    """Adapt a language model, write it, and print what it was made of and its fit."""
    from audiosearch.decoding.names import read_names
    from audiosearch.errors import LanguageModelError
    from audiosearch.files import lock_output
    from audiosearch.language_model.adaptation import adapt
    from audiosearch.language_model.adapted_folder import (
        CARD_NAME,
        card,
        check_output,
        fit_sentence,
        install,
        is_folder,
    )
    from audiosearch.language_model.estimation import check_files, find_lmplz
    from audiosearch.language_model.model import MODEL_NAME, LanguageModel
    from audiosearch.language_model.notes import read_notes, sentences
    from audiosearch.model_folder import find_model, network_file
    from audiosearch.settings import load_settings
    from indexer.export.library_text import LibraryText
    from indexer.index import open_index

    settings = load_settings(task.store)
    base = find_model(task.model, settings)
    find_lmplz()
    check_output(base, task.output)
    check_files([path for kind in task.texts for path in kind], task.arpa)
    language_model = LanguageModel.load(network_file(base).parent)
    names = [name for file in task.notes for name in read_names(file, language_model.ngrams)]
    with (
        open_index(settings.store) as index,
        lock_output(task.output),
        tempfile.TemporaryDirectory(prefix=".lm-", dir=task.output.parent) as folder,
    ):
        library = LibraryText(index, recognized=task.recognized)
        made = Path(folder) / "model"
        made.mkdir()
        kinds, titles = [*map(list, task.texts)], [",".join(map(str, kind)) for kind in task.texts]
        if task.notes:
            notes = Path(folder) / "notes"
            lines = [sentence for file in task.notes for sentence in sentences(read_notes(file))]
            if not lines:
                raise LanguageModelError(f"{', '.join(map(str, task.notes))}: contains no words.")
            notes.write_text("\n".join(lines) + "\n", encoding="ascii")
            kinds, titles = [[notes], *kinds], [",".join(map(str, task.notes)), *titles]
        target = made / MODEL_NAME
        try:
            summary = adapt(
                language_model,
                library,
                target,
                texts=kinds,
                names=names,
                prune=task.prune,
                min_count=task.min_count,
                memory=task.memory,
                arpa=task.arpa,
            )
        except LanguageModelError as error:
            if library.recognized and not task.recognized:
                number = count(library.recognized, "recording")
                advice = f"The words of {number} by our network were left out; --recognized uses them, too."
                raise LanguageModelError(f"{task.store}: {error} {advice}") from error
            raise LanguageModelError(f"{task.store}: {error}") from error
        size = target.stat().st_size
        if is_folder(task.output):
            (made / CARD_NAME).write_text(card(base, summary, titles), encoding="utf-8")
            install(base, made, task.output)
        else:
            target.replace(task.output)
    left_out = [f"{count(library.copies, 'copy', 'copies')} left out"] if library.copies else []
    if library.recognized:
        left_out.append(f"{count(library.recognized, 'recording')} with words of our network left out")
    note = f" ({', '.join(left_out)})" if left_out else ""
    click.echo(f"{count(summary.recordings, 'transcript')}, {count(summary.words, 'word')}{note}")
    for title, weight in zip([printable(str(base)), "transcripts", *titles], summary.weights, strict=True):
        click.echo(f"weight {weight:.3f}  {printable(title)}")
    click.echo(fit_sentence(summary))
    ngrams = ", ".join(f"{number:,}" for number in summary.ngrams)
    new = f"{summary.vocabulary:,} words ({summary.added:,} new)"
    click.echo(f"{printable(str(task.output))}: {size / 1e6:.1f} MB, {new}, n-grams {ngrams}")
