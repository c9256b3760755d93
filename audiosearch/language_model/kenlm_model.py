"""Language models: text to a quantized KenLM binary with its word list, and where to find one.

A model folder holds ``lm.bin`` and ``words.txt.xz`` (one word a line, the most frequent first). The estimation is
modified Kneser-Ney smoothing (Heafield et al. 2013) by KenLM's programs ``lmplz`` and ``build_binary``.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from audiosearch.errors import LanguageModelError
from audiosearch.model_folder import verify
from audiosearch.normalizer import normalize

MODEL_NAME = "lm.bin"
WORDS_NAME = "words.txt.xz"
PROGRAM_FOLDER = "AUDIOSEARCH_KENLM_BIN"
"""Environment variable that names the folder of lmplz and build_binary."""

MAX_ORDER = 6
"""KenLM is compiled for so many words at most."""

_MAGIC = b"mmap lm http://kheafield.com/code"


@dataclass(frozen=True)
class LanguageModel:
    """Where an n-gram model lies, and the words it knows.

    Args:
        path: a KenLM binary.
        words: the most frequent first.
    """

    path: Path
    words: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path) -> LanguageModel:
        """The model of a folder.

        Raises:
            ModelError: a file is not the one that the checksums beside it name.
            LanguageModelError: a file is missing, damaged or not what its name says.
        """
        path = folder / MODEL_NAME
        for name in (MODEL_NAME, WORDS_NAME):
            verify(folder / name)
        check_binary(path)
        model = cls(path, read_words(folder / WORDS_NAME))
        model.open()
        return model

    def open(self) -> KenlmScorer:
        """The probabilities, mapped into memory, so that processes share them.

        Raises:
            LanguageModelError: the file is damaged.
        """
        return KenlmScorer(self.path)


class KenlmScorer:
    """Log10 probabilities of words after a state; a state stands for the words before."""

    def __init__(self, path: Path) -> None:
        import kenlm

        config = kenlm.Config()
        config.load_method = kenlm.LoadMethod.LAZY  # pages are read when they are needed
        config.show_progress = False  # of reading text formats, on standard error
        try:
            self._model: Any = kenlm.Model(str(path), config)
        except (OSError, RuntimeError) as error:
            raise LanguageModelError(f"{path}: the language model cannot be read; it is damaged or cut off.") from error
        self._state: Callable[[], Any] = kenlm.State
        self.order: int = self._model.order

    def start(self) -> Any:
        """The state at the beginning of a sentence."""
        state = self._state()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Of a word after a state, and the state after it."""
        after = self._state()
        return self._model.BaseScore(state, word, after), after

    def score_each(self, state: Any, words: Iterable[str], following: str | None) -> list[float]:
        """Of each of some words after a state, and of the one that follows it, if any."""
        score, after, last = self._model.BaseScore, self._state(), self._state()
        if following is None:
            return [score(state, word, after) for word in words]
        return [score(state, word, after) + score(after, following, last) for word in words]

    def score_end(self, state: Any) -> float:
        """Of the sentence ending after a state."""
        return self.score(state, "</s>")[0]


@dataclass(frozen=True, slots=True)
class EstimationSummary:
    """What a language model was estimated from, and what came out."""

    sentences: int
    words: int
    vocabulary: int
    bytes: int


def check_binary(path: Path) -> None:
    """Raise LanguageModelError unless ``path`` begins as a KenLM binary; the library would take any file for text."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise LanguageModelError(
            f"{path}: the language model cannot be read ({error.strerror}); make one by 'audiosearch lm'."
        ) from error
    if start != _MAGIC:
        raise LanguageModelError(f"{path}: is not a KenLM binary; make one by 'audiosearch lm'.")


def read_words(path: Path) -> tuple[str, ...]:
    """The words of a list, one a line."""
    try:
        with lzma.open(path, "rt", encoding="ascii") as file:
            words = tuple(file.read().split())
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise LanguageModelError(
            f"{path}: the word list cannot be read ({reason}); 'audiosearch lm' writes it beside the model."
        ) from error
    if not words:
        raise LanguageModelError(f"{path}: the word list is empty; 'audiosearch lm' writes one.")
    return words


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
    """Estimate an n-gram model of ``texts`` and write it to ``output``, with its word list beside it.

    Args:
        texts: files with a sentence a line, plain, ``.gz`` or ``.xz``; of a ``.jsonl`` manifest its transcripts.
        output: the KenLM binary; replaced only when the new one is whole.
        order: longest n-gram, in words.
        prune: of 1-grams, 2-grams, …: those seen no more often are left out; the last holds for longer ones too.
        min_count: words seen less often become unknown words.
        bits: to which log-probabilities and back-off weights are quantized.
        memory: for sorting, as lmplz takes it; the rest is sorted on disk beside ``output``.

    Raises:
        LanguageModelError: a text cannot be read, holds no words, or KenLM's programs are missing or fail.
    """
    check_settings(order, prune, min_count, bits)
    find_programs()
    check_files(texts, output)
    # Beside the output: the disk that has room for the model, and the same one, so that renaming replaces at once.
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
    """Estimate a model in text format; sorts beside it. Raises LanguageModelError where the program fails."""
    files = ["--text", str(text), "--arpa", str(arpa), "--temp_prefix", f"{arpa.parent}/"]
    settings = ["--order", str(order), "--memory", memory, "--prune", *map(str, prune[:order])]
    fallback = "--discount_fallback"  # for texts too small to estimate discounts from
    _run(_program("lmplz"), *files, *settings, fallback, *options)


def run_build_binary(arpa: Path, binary: Path, bits: int, memory: str) -> None:
    """Pack a model into a quantized trie; sorts beside it. Raises LanguageModelError where the program fails."""
    quantize = ["-q", str(bits), "-b", str(bits)]
    compact = ["-a", "255", "-v"]  # compressed pointers; no strings, as the word list has them
    sort = ["-S", memory, "-T", f"{binary.parent}/"]
    _run(_program("build_binary"), *sort, *quantize, *compact, "trie", str(arpa), str(binary))


def write_words(path: Path, words: Iterable[str]) -> None:
    """Write a word list, one word a line."""
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
            raise LanguageModelError(f"{path}: there is no such text file.")
    if not output.parent.is_dir():
        raise LanguageModelError(f"{output.parent}: there is no such folder to write {output.name} to.")


def check_settings(order: int, prune: Sequence[int], min_count: int, bits: int) -> None:
    """Raise LanguageModelError for settings out of range."""
    if not 2 <= order <= MAX_ORDER:
        raise LanguageModelError(f"order {order}: an n-gram model has an order of 2 to {MAX_ORDER}.")
    if not prune or prune[0] != 0 or list(prune) != sorted(prune):
        given = ",".join(map(str, prune))
        raise LanguageModelError(f"prune {given}: the first must be 0 and none smaller than the one before it.")
    if min_count < 1:
        raise LanguageModelError(f"min-count {min_count}: must be 1 or more.")
    if not 2 <= bits <= 16:
        raise LanguageModelError(f"bits {bits}: must be 2 to 16.")


def _program(name: str) -> str:
    folder = os.environ.get(PROGRAM_FOLDER)
    found = shutil.which(name, path=folder) if folder else shutil.which(name)
    if found is None:
        where = f"in {folder} (environment {PROGRAM_FOLDER})" if folder else "on the PATH"
        raise LanguageModelError(
            f"KenLM's {name} is not {where}; scripts/build_kenlm.sh FOLDER builds it, "
            f"then set {PROGRAM_FOLDER}=FOLDER or put the folder on the PATH."
        )
    return found


def _run(program: str, *arguments: str) -> None:
    try:
        subprocess.run([program, *arguments], check=True, capture_output=True)
    except OSError as error:
        raise LanguageModelError(f"{program}: cannot be started ({error.strerror}).") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {error.returncode}"]
        raise LanguageModelError(f"{Path(program).name} failed: {lines[-1].strip()}") from error


def normalize_into(target: Path, texts: Iterable[Path]) -> tuple[Counter[str], int]:
    """Write the normal sentences of ``texts`` to ``target``; how often each word occurs, and the sentences."""
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
    """The lines of a text file, unpacked; of a manifest the transcripts."""
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
