"""Models in ARPA format are converted; the compiled core scores with them as KenLM does."""

from __future__ import annotations

import gzip
import random
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ctc import TINY, TINY_ARPA

from audiosearch.core import NgramModel
from audiosearch.errors import LanguageModelError
from audiosearch.language_model.arpa import convert_arpa, read_text_arpa
from audiosearch.language_model.estimation import estimate
from audiosearch.language_model.kenlm_model import KenlmScorer
from audiosearch.language_model.model import LanguageModel
from audiosearch.language_model.ngrams import write_arpa

VOCABULARY = tuple(first + second for first, second in product("bcdfghjklmnprstvwxyz", "aeiouangor"))

# "a b c d" lacks the suffix "b c d", and its context "a b c" has the suffix "b c" with a back-off weight alone; the
# context "c d" of "c d a" is missing; "d c" has a back-off weight and no continuation.
SPARSE = """\\data\\
ngram 1=7
ngram 2=3
ngram 3=3
ngram 4=1

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.4
-1.25\t</s>
-0.5\ta\t-0.25
-0.75\tb\t-0.5
-1\tc\t-0.125
-inf\td\t-0.375

\\2-grams:
-0.25\ta b\t-0.0625
-0.5\tb c\t-0.75
-0.625\td c\t-0.3125

\\3-grams:
-0.125\ta b c\t-0.25
-0.375\tc d a
-0.875\t<s> a d\t-0.1875

\\4-grams:
-0.1\ta b c d

\\end\\
"""


@pytest.fixture
def oracle() -> Any:
    """KenLM's scorer of a model in ARPA format."""
    pytest.importorskip("kenlm", reason="kenlm is not installed: pip install kenlm with a Python below 3.13")
    return lambda path: KenlmScorer(path, ("",))


def differences(model: NgramModel, oracle: KenlmScorer, sentences: list[list[str]]) -> list[float]:
    """Differences of the scores of all words and sentence ends."""
    values = []
    for sentence in sentences:
        state, oracle_state = model.start(), oracle.start()
        for word in sentence:
            score, state = model.score(state, word)
            expected, oracle_state = oracle.score(oracle_state, word)
            values.append(abs(score - expected))
        values.append(abs(model.score_end(state) - oracle.score_end(oracle_state)))
    return values


def random_sentences(words: tuple[str, ...], count: int, seed: int) -> list[list[str]]:
    """Sentences of one to nine words, the first words of the list more often."""
    rng = random.Random(seed)
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    return [rng.choices(words, weights, k=rng.randint(1, 9)) for _ in range(count)]


def converted(arpa: Path) -> LanguageModel:
    convert_arpa(arpa, arpa.with_suffix(".bin"))
    return LanguageModel(arpa.with_suffix(".bin"))


def test_a_small_model_scores_as_in_kenlm(oracle: Any) -> None:
    assert TINY.words == ("cap", "cat", "human", "sat", "the", "things")
    sentences = [list(words) for n in range(4) for words in product((*TINY.words, "zebra"), repeat=n)]
    assert max(differences(TINY.ngrams, oracle(TINY_ARPA), sentences)) < 1e-5


@pytest.mark.usefixtures("kenlm")
@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_estimated_models_score_as_in_kenlm(order: int, oracle: Any, tmp_path: Path) -> None:
    lines = [" ".join(sentence) for sentence in random_sentences(VOCABULARY, 400, seed=order)]
    (tmp_path / "text").write_text("\n".join(lines))
    arpa = tmp_path / "lm.arpa"
    estimate([tmp_path / "text"], tmp_path / "lm.bin", order=order, prune=(0,), arpa=arpa)
    sentences = [line.split() for line in lines[:100]] + random_sentences((*VOCABULARY, "zzz"), 200, seed=9)
    estimated = differences(LanguageModel.load(tmp_path).ngrams, oracle(arpa), sentences)
    assert max(estimated) < 0.2
    assert sum(estimated) / len(estimated) < 0.005

    # Values of few kinds are not quantized.
    arpa.write_text(re.sub(r"-?\d\.\d{5}", lambda match: f"{float(match[0]):.1f}", arpa.read_text()))
    model = converted(arpa).ngrams
    assert model.order == order
    assert max(differences(model, oracle(arpa), sentences)) < 1e-5


def test_missing_contexts_and_suffixes_are_added(oracle: Any, tmp_path: Path) -> None:
    (tmp_path / "sparse.arpa").write_text(SPARSE)
    model = converted(tmp_path / "sparse.arpa")
    assert model.words == ("a", "b", "c", "d")
    score, state = model.ngrams.score(model.ngrams.start(), "a")
    assert score == pytest.approx(-0.4 - 0.5)
    assert model.ngrams.score(state, "d")[0] == pytest.approx(-0.875)
    with (tmp_path / "sparse.arpa").open("rb") as file:
        write_arpa(*read_text_arpa(file), tmp_path / "complete.arpa")  # kenlm's table is too small for the other
    sentences = [list(words) for n in range(6) for words in product("abcdx", repeat=n)]
    assert max(differences(model.ngrams, oracle(tmp_path / "complete.arpa"), sentences)) < 1e-4


def test_other_programs_write_capitals_line_ends_and_gz(tmp_path: Path) -> None:
    text = TINY_ARPA.read_text()
    capitals = re.sub(r"<?/?[a-z]+>?(?=[\t\n ])", lambda match: match[0].upper(), text).replace("NGRAM", "ngram")
    assert "<S> THE" in capitals
    sentences = [list(words) for words in product((*TINY.words, "zebra"), repeat=2)]
    for number, content in enumerate((capitals, text.replace("\n", "\r\n"), "written by hand\n\n" + text)):
        path = tmp_path / f"{number}.arpa.gz"
        path.write_bytes(gzip.compress(content.encode()))
        model = converted(path)
        assert model.words == TINY.words
        for words in sentences:
            state, expected_state = model.ngrams.start(), TINY.ngrams.start()
            for word in words:
                score, state = model.ngrams.score(state, word)
                expected, expected_state = TINY.ngrams.score(expected_state, word)
                assert score == expected


def test_words_in_any_language(tmp_path: Path) -> None:
    text = TINY_ARPA.read_text().replace("cat", "żółw").replace("cap", "The")
    (tmp_path / "lm.arpa").write_text(text, encoding="utf-8")
    model = converted(tmp_path / "lm.arpa")
    assert model.words == ("The", "human", "sat", "the", "things", "żółw")
    state = model.ngrams.score(model.ngrams.start(), "the")[1]
    assert model.ngrams.score(state, "żółw")[0] == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", r"there is no line \\data"),
        ("ngram 2=8", "ngram 3=8", "'ngram 3=8' in the header"),
        ("ngram 2=8", "ngram 2=7", r"'-0.2\\tthings </s>' in place of \\end"),
        ("ngram 2=8", "ngram 2=9", r"'\\n' among the 2-grams|'' among the 2-grams"),
        ("cat sat", "cat dog", "'dog' is not among the 1-grams"),
        ("cap sat", "cat sat", "a 2-gram is there twice"),
        ("-0.2\tcat sat", "-0.2\tcat", "'-0.2\\\\tcat' among the 2-grams"),
        ("-0.2\tcat sat", "nan\tcat sat", "not a number"),
        ("-0.2\tcat sat", "much\tcat sat", "could not convert"),
        ("\\end\\", "", r"the end in place of \\end\\; it may be truncated"),
    ],
)
def test_malformed_models_are_reported(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = TINY_ARPA.read_text()
    assert old in text
    (tmp_path / "lm.arpa").write_text(text.replace(old, new))
    with pytest.raises(LanguageModelError, match=message) as caught:
        convert_arpa(tmp_path / "lm.arpa", tmp_path / "lm.bin")
    assert "lm.arpa: cannot be read as a language model in ARPA format" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["lm.arpa"]


def test_truncated_models_are_reported(tmp_path: Path) -> None:
    content = TINY_ARPA.read_bytes().rstrip()
    for size in range(len(content)):
        (tmp_path / "lm.arpa").write_bytes(content[:size])
        with pytest.raises(LanguageModelError, match=r"lm\.arpa"):
            convert_arpa(tmp_path / "lm.arpa", tmp_path / "lm.bin")
    packed = gzip.compress(content)
    for size in range(0, len(packed), 7):
        (tmp_path / "lm.arpa.gz").write_bytes(packed[:size])
        with pytest.raises(LanguageModelError, match=r"lm\.arpa\.gz"):
            convert_arpa(tmp_path / "lm.arpa.gz", tmp_path / "lm.bin")


def test_files_of_other_kinds_are_reported(tmp_path: Path) -> None:
    kenlm = tmp_path / "kenlm.bin"
    kenlm.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(200))
    for path, message in (
        (kenlm, "it is a KenLM binary; give the ARPA file"),
        (TINY.path, r"there is no line \\data"),
        (tmp_path / "missing", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(LanguageModelError, match=message):
            convert_arpa(path, tmp_path / "lm.bin")
    with pytest.raises(LanguageModelError, match=r"nowhere/lm\.bin: cannot be written"):
        convert_arpa(TINY_ARPA, tmp_path / "nowhere" / "lm.bin")
