"""Estimation of n-gram models from text: a quantized KenLM binary and its word list.

Modified Kneser-Ney smoothing (Heafield et al. 2013) by KenLM's programs ``lmplz`` and ``build_binary``.
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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.kenlm_model import MODEL_NAME, WORDS_NAME
from audiosearch.normalizer import normalize

PROGRAM_FOLDER = "AUDIOSEARCH_KENLM_BIN"
"""Environment variable with the folder of lmplz and build_binary."""

MAX_ORDER = 6
"""Maximum order that KenLM is compiled for."""


@dataclass(frozen=True, slots=True)
class EstimationSummary:
    """Size of a language model and of the text it was estimated from."""

    sentences: int
    words: int
    vocabulary: int
    bytes: int


def estimate(
    texts: Sequence[Path],
    output: Path,
    *,
    order: int = 4,
    prune: Sequence[int] = (0, 0, 1, 1),
    min_count: int = 1,
    bits: int = 8,
    memory: str = "1G",
) -> EstimationSummary:
    """Estimate an n-gram model from ``texts`` and write it to ``output``, with its word list beside it.

    Args:
        texts: files with one sentence per line, plain, ``.gz`` or ``.xz``, or ``.jsonl`` manifests.
        output: the KenLM binary; replaced only when the new one is complete.
        order: length of the longest n-grams, in words.
        prune: for 1-grams, 2-grams, …, the count up to which they are dropped; the last one holds for longer ones too.
        min_count: words with a lower count become unknown words.
        bits: of quantized log-probabilities and back-off weights.
        memory: for sorting, as an argument of lmplz; the rest is sorted on disk beside ``output``.

    Raises:
        LanguageModelError: a text cannot be read or contains no words, or KenLM's programs are missing or fail.
    """
    check_settings(order, prune, min_count, bits)
    find_programs()
    check_files(texts, output)
    # Beside the output: that disk has room for the model, and renaming within it is atomic.
    with tempfile.TemporaryDirectory(prefix=".lm-", dir=output.parent) as folder:
        work = Path(folder)
        counts, sentences = normalize_into(work / "text", texts)
        words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
        if not words:
            raise LanguageModelError(f"{', '.join(map(str, texts))}: no word occurs {min_count} times or more.")
        write_words(work / WORDS_NAME, words)
        options = []
        if min_count > 1:
            (work / "vocabulary").write_text("\n".join(words), encoding="ascii")
            options = ["--limit_vocab_file", str(work / "vocabulary")]
        run_lmplz(work / "text", work / "arpa", order, prune, memory, *options)
        (work / "text").unlink()
        run_build_binary(work / "arpa", work / MODEL_NAME, bits, memory)
        (work / WORDS_NAME).replace(output.parent / WORDS_NAME)
        (work / MODEL_NAME).replace(output)
    return EstimationSummary(sentences, counts.total(), len(words), output.stat().st_size)


def run_lmplz(text: Path, arpa: Path, order: int, prune: Sequence[int], memory: str, *options: str) -> None:
    """Estimate a model in ARPA format, with temporary files beside it; LanguageModelError if the program fails."""
    files = ["--text", str(text), "--arpa", str(arpa), "--temp_prefix", f"{arpa.parent}/"]
    settings = ["--order", str(order), "--memory", memory, "--prune", *map(str, prune[:order])]
    fallback = "--discount_fallback"  # for texts too small for estimated discounts
    _run(_program("lmplz"), *files, *settings, fallback, *options)


def run_build_binary(arpa: Path, binary: Path, bits: int, memory: str) -> None:
    """Pack a model into a quantized trie, with temporary files beside it; LanguageModelError if the program fails."""
    quantize = ["-q", str(bits), "-b", str(bits)]
    compact = ["-a", "255", "-v"]  # compressed pointers; no strings, since the word list has them
    sort = ["-S", memory, "-T", f"{binary.parent}/"]
    _run(_program("build_binary"), *sort, *quantize, *compact, "trie", str(arpa), str(binary))


def write_words(path: Path, words: Iterable[str]) -> None:
    """Write a word list with one word per line."""
    with lzma.open(path, "wt", encoding="ascii", preset=9) as file:
        file.writelines(word + "\n" for word in words)


def find_programs() -> None:
    """Raise LanguageModelError unless KenLM's programs can be found."""
    for name in ("lmplz", "build_binary"):
        _program(name)


def check_files(texts: Iterable[Path], output: Path) -> None:
    """Raise LanguageModelError unless the texts and the folder to write to exist."""
    for path in texts:
        if not path.is_file():
            raise LanguageModelError(f"{path}: no such text file.")
    if not output.parent.is_dir():
        raise LanguageModelError(f"{output.parent}: no such folder to write {output.name} to.")


def check_settings(order: int, prune: Sequence[int], min_count: int, bits: int) -> None:
    """Raise LanguageModelError for settings out of range."""
    if not 2 <= order <= MAX_ORDER:
        raise LanguageModelError(f"order {order}: must be 2 to {MAX_ORDER}.")
    if not prune or prune[0] != 0 or list(prune) != sorted(prune):
        given = ",".join(map(str, prune))
        raise LanguageModelError(f"prune {given}: the first number must be 0, and none smaller than the one before it.")
    if min_count < 1:
        raise LanguageModelError(f"min-count {min_count}: must be 1 or more.")
    if not 2 <= bits <= 16:
        raise LanguageModelError(f"bits {bits}: must be 2 to 16.")


def _program(name: str) -> str:
    folder = os.environ.get(PROGRAM_FOLDER)
    program = shutil.which(name, path=folder) if folder else shutil.which(name)
    if program is None:
        where = f"in {folder} (environment {PROGRAM_FOLDER})" if folder else "on the PATH"
        raise LanguageModelError(
            f"KenLM's {name} is not {where}; scripts/build_kenlm.sh FOLDER builds it, "
            f"then set {PROGRAM_FOLDER}=FOLDER or put the folder on the PATH."
        )
    return program


def _run(program: str, *arguments: str) -> None:
    try:
        subprocess.run([program, *arguments], check=True, capture_output=True)
    except OSError as error:
        raise LanguageModelError(f"{program}: cannot be started ({error.strerror}).") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {error.returncode}"]
        raise LanguageModelError(f"{Path(program).name} failed: {lines[-1].strip()}") from error


def normalize_into(target: Path, texts: Iterable[Path]) -> tuple[Counter[str], int]:
    """Write the normalized sentences of ``texts`` to ``target``; returns word counts and the number of sentences."""
    counts: Counter[str] = Counter()
    sentences = 0
    with target.open("w", encoding="ascii") as file:
        for path in texts:
            for line in read_lines(path):
                sentence = normalize(line)
                if sentence:
                    counts.update(sentence.split())
                    sentences += 1
                    file.write(sentence + "\n")
    return counts, sentences


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
