"""The file of a language model: damage is noticed when it is opened."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from ctc import TINY, TINY_ARPA

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.arpa import convert_arpa, read_text_arpa
from audiosearch.language_model.model import LanguageModel
from audiosearch.language_model.ngrams import NGramModel, Order, pack
from audiosearch.language_model.storage import read_model, stored_size, write_model


def random_model(seed: int) -> tuple[NGramModel, tuple[str, ...]]:
    """A model of random pairs and triples of words."""
    rng = np.random.default_rng(seed)
    words = int(rng.integers(4, 200))
    zeros = np.zeros(words, np.int64)
    orders = [Order(np.arange(words), zeros, *rng.normal(-2, 1, (2, words)).astype(np.float32))]
    for _ in range(int(rng.integers(0, 3))):
        below = orders[-1]
        keys = np.unique(pack(rng.integers(0, len(below), 900), rng.integers(0, words, 900)))
        contexts, last = keys >> 21, keys & (1 << 21) - 1
        suffixes = last if len(orders) == 1 else below.find(below.words[contexts], last)
        kept = suffixes >= 0
        values = rng.normal(-2, 1, (2, int(kept.sum()))).astype(np.float32)
        values[1, rng.random(values.shape[1]) < 0.5] = 0
        orders.append(Order(keys[kept], suffixes[kept], *values))
    return NGramModel(tuple(orders)), ("<unk>", "<s>", "</s>", *(f"w{number}é" for number in range(words - 3)))


@pytest.mark.parametrize("seed", range(8))
def test_the_size_is_known_before_a_model_is_written(seed: int, tmp_path: Path) -> None:
    model, vocabulary = random_model(seed)
    size = write_model(model, vocabulary, tmp_path / "lm.bin")
    assert size == (tmp_path / "lm.bin").stat().st_size == stored_size(model, vocabulary)
    assert LanguageModel.load(tmp_path).words == tuple(sorted(vocabulary[3:]))


@pytest.mark.parametrize("seed", range(8))
def test_a_file_is_read_back(seed: int, tmp_path: Path) -> None:
    model, vocabulary = random_model(seed)
    write_model(model, vocabulary, tmp_path / "lm.bin")
    again, names = read_model(tmp_path / "lm.bin")
    assert names == ("<unk>", "<s>", "</s>", *sorted(vocabulary[3:]))
    assert [len(order) for order in again.orders] == [len(order) for order in model.orders]
    ngrams = LanguageModel.load(tmp_path).ngrams
    tokens = np.random.default_rng(seed).integers(3, len(names), 300)
    state, scores = ngrams.start(), []
    for token in tokens.tolist():
        score, state = ngrams.score(state, names[token])
        scores.append(score)
    assert again.score(np.array([1, *tokens]))[1:] == pytest.approx(scores, abs=1e-4)


def test_quantization_keeps_scores_near(tmp_path: Path) -> None:
    model, vocabulary = next(pair for pair in map(random_model, count()) if len(pair[0].orders) == 3)
    assert max(len(np.unique(order.log_probs)) for order in model.orders[1:]) > 256
    write_model(model, vocabulary, tmp_path / "lm.bin")
    ngrams = LanguageModel(tmp_path / "lm.bin").ngrams
    tokens = np.random.default_rng(0).integers(3, len(vocabulary), 500)
    state, errors = ngrams.start(), []
    for token, expected in zip(tokens.tolist(), model.score(np.array([1, *tokens]))[1:].tolist(), strict=True):
        score, state = ngrams.score(state, vocabulary[token])
        errors.append(abs(score - expected))
    assert max(errors) < 0.5
    assert np.mean(errors) < 0.01


def test_truncated_files_are_reported(tmp_path: Path) -> None:
    content = TINY.path.read_bytes()
    for size in (*range(0, len(content), 3), len(content) - 1):
        (tmp_path / "lm.bin").write_bytes(content[:size])
        with pytest.raises(LanguageModelError, match=r"lm\.bin: is not a language model of this program, or damaged"):
            LanguageModel.load(tmp_path)
    (tmp_path / "lm.bin").write_bytes(content + bytes(8))
    with pytest.raises(LanguageModelError):
        LanguageModel.load(tmp_path)


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    with TINY_ARPA.open("rb") as file:
        write_model(*read_text_arpa(file), tmp_path / "lm.bin")
    content = (tmp_path / "lm.bin").read_bytes()
    rng = random.Random(0)
    positions = (*range(27), *range(28, 96), *rng.sample(range(96, len(content)), 500))
    for position in positions:
        changed = bytearray(content)
        changed[position] ^= rng.randint(1, 255)
        (tmp_path / "lm.bin").write_bytes(changed)
        with pytest.raises(LanguageModelError, match=r"lm\.bin"):
            LanguageModel.load(tmp_path)


def with_checksum(content: bytes) -> bytes:
    """A file whose checksum is right, as of a program that writes another structure."""
    values = np.frombuffer(content[32:], "<u4")
    checksum = (values * np.arange(1, 2 * len(values), 2, dtype=np.uint32)).sum(dtype=np.uint32)
    return content[:28] + int(checksum).to_bytes(4, "little") + content[32:]


@pytest.mark.parametrize("seed", range(3))
def test_wrong_structures_are_reported_or_harmless(seed: int, tmp_path: Path) -> None:
    """Nothing outside the file is read."""
    model, vocabulary = random_model(seed)
    write_model(model, vocabulary, tmp_path / "lm.bin")
    content = (tmp_path / "lm.bin").read_bytes()
    assert with_checksum(content) == content
    rng = random.Random(seed)
    refused = 0
    for position in (*range(32, 96), *(rng.randrange(96, len(content)) for _ in range(400))):
        changed = bytearray(content)
        changed[position] ^= rng.randint(1, 255)
        size = rng.choice((len(content), len(content) // 8 * 8 - 8))
        (tmp_path / "lm.bin").write_bytes(with_checksum(bytes(changed[:size])))
        try:
            ngrams = LanguageModel.load(tmp_path).ngrams
        except LanguageModelError:
            refused += 1
            continue
        state = ngrams.start()
        for word in rng.choices(vocabulary, k=50):
            _, state = ngrams.score(state, word)
        ngrams.score_end(state)
    assert refused > 64


def test_other_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match=r"lm\.bin: the language model cannot be read \(No such file"):
        LanguageModel.load(tmp_path)
    (tmp_path / "lm.bin").mkdir()
    with pytest.raises(LanguageModelError, match="Is a directory"):
        LanguageModel.load(tmp_path)
    (tmp_path / "lm.bin").rmdir()
    (tmp_path / "lm.bin").write_bytes(TINY_ARPA.read_bytes())
    with pytest.raises(LanguageModelError, match=r"lm\.bin: is not a language model .*\(of another kind\)"):
        LanguageModel.load(tmp_path)
    convert_arpa(TINY_ARPA, tmp_path / "lm.bin")
    assert LanguageModel.load(tmp_path).words == TINY.words
