"""The folder of a model with an adapted language model: copies of the network, its settings and its notes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from audiosearch.errors import ModelError
from audiosearch.files import atomic_write
from audiosearch.language_model.adaptation import AdaptationSummary
from audiosearch.language_model.model import MODEL_NAME
from audiosearch.model_folder import (
    CALIBRATION_NAME,
    CHECKSUMS_NAME,
    DECODER_NAME,
    SHIPPED_MODEL,
    network_file,
    sha256,
    write_checksums,
)

CARD_NAME = "ADAPTATION.md"
_NOTES = "*.md"


def is_folder(output: Path) -> bool:
    """True if an output is the folder of a model, and not the file of a language model."""
    return not output.is_file() and output.suffix != ".bin"


def check_output(base: Path, output: Path) -> None:
    """Raise ModelError unless an adapted model may be written there.

    Args:
        base: file or folder of the model that is adapted.
        output: a folder that is new, empty or with the same network; or the file of a language model.
    """
    network = network_file(base)
    target = output.resolve()
    kept = {network.parent.resolve(): "adapted", SHIPPED_MODEL.resolve(): "installed"}
    folder = target if is_folder(output) else target.parent
    if folder in kept and (is_folder(output) or target.name == MODEL_NAME):
        raise ModelError(f"{output}: is the model that is {kept[folder]}; name a new folder, which gets a copy of it.")
    if not output.parent.is_dir():
        raise ModelError(f"{output.parent}: no such folder to write {output.name} to.")
    if not is_folder(output) or not output.exists() or not any(output.iterdir()):
        return
    if not (output / network.name).is_file():
        raise ModelError(f"{output}: holds other files; name a new or an empty folder.")
    if sha256(output / network.name) != sha256(network):
        raise ModelError(f"{output}: holds another network than {network}; name a new or an empty folder.")


def install(base: Path, made: Path, output: Path) -> None:
    """Make the folder of the adapted model; of one with the same network, the language model alone is replaced.

    Args:
        base: file or folder of the model that is adapted.
        made: folder with the new language model and its card, on the disk of ``output``; moved or emptied.
        output: as ``check_output`` allows it.

    Raises:
        ModelError: a file cannot be written.
    """
    network = network_file(base)
    try:
        if (output / network.name).is_file():
            (output / CHECKSUMS_NAME).unlink(missing_ok=True)  # those that read meanwhile find no false ones
            for file in sorted(made.iterdir(), reverse=True):
                with atomic_write(output / file.name) as temporary:
                    file.replace(temporary)
            write_checksums(output, [network.name, MODEL_NAME])
            return
        settings = [network.parent / name for name in (DECODER_NAME, CALIBRATION_NAME)]
        for file in [network, *filter(Path.is_file, settings), *sorted(network.parent.glob(_NOTES))]:
            if file.name != CARD_NAME:
                shutil.copyfile(file, made / file.name)
        write_checksums(made, [network.name, MODEL_NAME])
        made.replace(output)
    except OSError as error:
        raise ModelError(f"{output}: cannot be written ({error.strerror}).") from error


def card(base: Path, summary: AdaptationSummary, texts: Sequence[str]) -> str:
    """Text on the origin of an adapted model.

    Args:
        base: file or folder of the model that was adapted.
        texts: names of the kinds of further text.
    """
    parts = [f"transcripts of {summary.recordings:,} recordings, {summary.words:,} words", *texts]
    weights = [f"| {name} | {weight:.3f} |" for name, weight in zip(parts, summary.weights[1:], strict=True)]
    lines = [
        "# An adapted language model",
        "",
        f"`{MODEL_NAME}` was interpolated by `audiosearch lm --from`:",
        "",
        "| n-grams of | weight |",
        "|---|---|",
        f"| the model `{network_file(base).resolve().parent.name}` | {summary.weights[0]:.3f} |",
        *weights,
        "",
        fit_sentence(summary),
        "",
        f"`{MODEL_NAME}` holds n-grams of these texts: give it only to those who may read them. The license of the "
        "model that was adapted holds for it, too; the other files are copies.",
    ]
    return "\n".join(lines) + "\n"


def fit_sentence(summary: AdaptationSummary) -> str:
    """Perplexity and unknown words of held-out recordings, before and after."""
    if summary.fit is None:
        return "With a single recording, none was held out: the weights are fixed, and no perplexity was measured."
    (before, after), (unknown, remaining) = summary.fit.perplexities, summary.fit.unknown
    return (
        f"Held-out recordings, {summary.fit.words:,} words: perplexity {before:.0f} before, {after:.0f} after; "
        f"unknown words {unknown:.2%} before, {remaining:.2%} after."
    )
