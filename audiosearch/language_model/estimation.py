"""Estimation of n-gram models from text: modified Kneser-Ney smoothing (Heafield et al. 2013) by KenLM's ``lmplz``.

lmplz gets the words as numbers, so that numpy can parse its output::

    texts → normalized sentences → numbers → lmplz → ARPA → NGramModel → lm.bin
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from audiosearch.errors import LanguageModelError
from audiosearch.files import atomic_write, lock_output
from audiosearch.tags import normalize_transcript

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.language_model.ngrams import NGramModel

PROGRAM_FOLDER = "AUDIOSEARCH_KENLM_BIN"
"""Environment variable with the folder of lmplz."""

_UNKNOWN = "x"
"""Replaces words outside the vocabulary in numbered text."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines of a text of which normalization leaves nothing: their number, and the number of the first."""

    path: Path
    lines: int
    first: int


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """Counts of words and sentences of a normalized text, and its files with lines that were left out."""

    counts: Counter[str]
    sentences: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class EstimationSummary:
    """Size of a language model and of the text it was estimated from."""

    sentences: int
    words: int
    vocabulary: int
    bytes: int
    left_out: tuple[LeftOut, ...] = ()


def estimate(
    texts: Sequence[Path],
    output: Path,
    *,
    order: int = 4,
    prune: Sequence[int] = (0, 0, 1, 1),
    min_count: int = 1,
    memory: str = "1G",
    arpa: Path | None = None,
) -> EstimationSummary:
    """Estimate an n-gram model from ``texts`` and write it to ``output``.

    Args:
        texts: files with one sentence per line, plain, ``.gz`` or ``.xz``, or ``.jsonl`` manifests.
        output: the model; replaced only when the new one is complete.
        order: length of the longest n-grams, in words.
        prune: for 1-grams, 2-grams, …, the count up to which they are dropped; the last one holds for longer ones too.
        min_count: words with a lower count become unknown words.
        memory: for sorting, as an argument of lmplz; the rest is sorted on disk beside ``output``.
        arpa: file to write the model to in ARPA format as well.

    Raises:
        LanguageModelError: a text cannot be read or contains no words, or lmplz is missing or fails.
    """
    import numpy as np

    from audiosearch.language_model.ngrams import RESERVED, UNKNOWN

    check_settings(order, prune, min_count)
    find_lmplz()
    check_files(texts, output, arpa)
    # Beside the output: that disk has room for the model.
    with lock_output(output), tempfile.TemporaryDirectory(prefix=".lm-", dir=output.parent) as folder:
        work = Path(folder)
        text = normalize_into(work / "text", texts)
        counts = text.counts
        words = sorted(word for word, count in counts.items() if count >= min_count)
        if not words:
            raise LanguageModelError(f"{', '.join(map(str, texts))}: no word occurs {min_count} times or more.")
        names = (*RESERVED, *words)
        unseen = np.zeros(len(names))
        unseen[UNKNOWN] = 1.0  # what lmplz leaves is for unknown words
        model = estimate_numbered(work / "text", numbered(names), unseen, order, prune, memory)
        save_model(model, names, output, arpa)
    return EstimationSummary(text.sentences, counts.total(), len(words), output.stat().st_size, text.left_out)


def estimate_numbered(
    text: Path,
    ids: Mapping[str, int],
    unseen: NDArray[np.float64],
    order: int,
    prune: Sequence[int],
    memory: str,
    *options: str,
) -> NGramModel:
    """Estimate a model by lmplz, with temporary files beside the text, which is deleted.

    Args:
        text: normalized sentences, one per line.
        ids: of all words, and of RESERVED.
        unseen: weights by which words that the text lacks share the probability of unknown words [V].
        options: further arguments of lmplz.

    Raises:
        LanguageModelError: the program is missing or fails.
    """
    from audiosearch.language_model.ngrams import RESERVED, read_arpa

    numbers, vocabulary, arpa = (text.with_name(name) for name in ("numbers", "vocabulary", "arpa"))
    words = {word: str(number) for word, number in ids.items()}
    with text.open(encoding="ascii") as source, numbers.open("w", encoding="ascii") as target:
        for sentence in source:
            target.write(" ".join([words.get(word, _UNKNOWN) for word in sentence.split()]) + "\n")
    text.unlink()
    vocabulary.write_text(" ".join(map(str, range(len(RESERVED), len(ids)))), encoding="ascii")
    files = ["--text", str(numbers), "--arpa", str(arpa), "--temp_prefix", f"{text.parent}/"]
    settings = ["--order", str(order), "--memory", memory, "--prune", *map(str, prune[:order])]
    fallback = "--discount_fallback"  # for texts too small for estimated discounts
    _run(find_lmplz(), *files, *settings, fallback, "--limit_vocab_file", str(vocabulary), *options)
    model = read_arpa(arpa, unseen)
    for path in (numbers, vocabulary, arpa):
        path.unlink()
    return model


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Ids of words by their order."""
    return {name: number for number, name in enumerate(names)}


def save_model(model: NGramModel, names: Sequence[str], output: Path, arpa: Path | None) -> None:
    """Write a model, and also in ARPA format if ``arpa`` is given; LanguageModelError if a file cannot be written.

    Args:
        names: the words by id; they begin with RESERVED.
    """
    from audiosearch.language_model.ngrams import write_arpa
    from audiosearch.language_model.storage import write_model

    try:
        if arpa is not None:
            with atomic_write(arpa) as temporary:
                write_arpa(model, names, temporary)
        with atomic_write(output) as temporary:
            write_model(model, names, temporary)
    except OSError as error:
        raise LanguageModelError(f"{error.filename or output}: cannot be written ({error.strerror}).") from error


def find_lmplz() -> str:
    """Path of KenLM's program; LanguageModelError if it cannot be found."""
    folder = os.environ.get(PROGRAM_FOLDER)
    program = shutil.which("lmplz", path=folder) if folder else shutil.which("lmplz")
    if program is None:
        where = f"in {folder} (environment {PROGRAM_FOLDER})" if folder else "on the PATH"
        raise LanguageModelError(
            f"KenLM's lmplz is not {where}; scripts/build_kenlm.sh FOLDER builds it, "
            f"then set {PROGRAM_FOLDER}=FOLDER or put the folder on the PATH."
        )
    return program


def check_files(texts: Iterable[Path], *outputs: Path | None) -> None:
    """Raise LanguageModelError unless the texts and the folders to write to exist."""
    for path in texts:
        if not path.is_file():
            raise LanguageModelError(f"{path}: no such text file.")
    for output in outputs:
        if output is not None and not output.parent.is_dir():
            raise LanguageModelError(f"{output.parent}: no such folder to write {output.name} to.")


def check_settings(order: int, prune: Sequence[int], min_count: int) -> None:
    """Raise LanguageModelError for settings out of range."""
    from audiosearch.language_model.ngrams import MAX_ORDER

    if not 2 <= order <= MAX_ORDER:
        raise LanguageModelError(f"order {order}: must be 2 to {MAX_ORDER}.")
    if not prune or prune[0] != 0 or list(prune) != sorted(prune):
        given = ",".join(map(str, prune))
        raise LanguageModelError(f"prune {given}: the first number must be 0, and none smaller than the one before it.")
    if min_count < 1:
        raise LanguageModelError(f"min-count {min_count}: must be 1 or more.")


def _run(program: str, *arguments: str) -> None:
    try:
        subprocess.run([program, *arguments], check=True, capture_output=True)
    except OSError as error:
        raise LanguageModelError(f"{program}: cannot be started ({error.strerror}).") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {error.returncode}"]
        raise LanguageModelError(f"{Path(program).name} failed: {lines[-1].strip()}") from error


def normalize_into(target: Path, texts: Iterable[Path]) -> NormalizedText:
    """Write the normalized sentences of ``texts`` to ``target``; lines of which nothing is left are counted."""
    counts: Counter[str] = Counter()
    sentences = 0
    left_out: list[LeftOut] = []
    with target.open("w", encoding="ascii") as file:
        for path in texts:
            empty, first = 0, 0
            for number, line in enumerate(read_lines(path), start=1):
                sentence = normalize_transcript(line)
                if sentence:
                    counts.update(sentence.split())
                    sentences += 1
                    file.write(sentence + "\n")
                elif line.strip():
                    empty, first = empty + 1, first or number
            if empty:
                left_out.append(LeftOut(path, empty, first))
    return NormalizedText(counts, sentences, tuple(left_out))


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a text file, decompressed, or the transcripts of a manifest."""
    try:
        with _open(path) as file:
            if ".jsonl" in path.suffixes:
                yield from (json.loads(line)["text"] for line in file if line.strip())
            else:
                yield from file
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged or not UTF-8"
        raise LanguageModelError(f"{path}: cannot be read as text ({reason}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LanguageModelError(f"{path}: every line of a manifest must be a JSON object with 'text'.") from error


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")
