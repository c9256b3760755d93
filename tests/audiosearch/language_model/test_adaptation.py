"""Language models adapted to transcripts, estimated with KenLM's lmplz where it is installed."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from audiosearch.errors import LanguageModelError, ModelError
from audiosearch.language_model import adaptation
from audiosearch.language_model.adaptation import MIN_BASE_WEIGHT, adapt
from audiosearch.language_model.adapted_folder import check_output, install, is_folder
from audiosearch.language_model.estimation import estimate
from audiosearch.language_model.folds import FOLDS, write_folds
from audiosearch.language_model.interpolation import fit_weights
from audiosearch.language_model.model import LanguageModel
from audiosearch.language_model.notes import read_notes, sentences
from audiosearch.model_folder import SHIPPED_MODEL, write_checksums

NOUNS = ("cat", "dog", "tree", "river", "house", "road", "bird", "stone")


def transcripts(count: int, seed: int = 0) -> list[list[str]]:
    """Recordings of talk about a zebra, of forty sentences each."""
    rng = random.Random(seed)
    return [
        [f"um yeah the {rng.choice(NOUNS)} like the zebra" for _ in range(40)] + [f"only{chr(97 + number)}"]
        for number in range(count)
    ]


@pytest.fixture
def base(tmp_path: Path, kenlm: None) -> LanguageModel:
    """A model of old prose."""
    rng = random.Random(0)
    (tmp_path / "prose").write_text(
        "".join(f"the {rng.choice(NOUNS)} stood near the old {rng.choice(NOUNS)} like um yeah\n" for _ in range(200))
    )
    (tmp_path / "base").mkdir()
    estimate([tmp_path / "prose"], tmp_path / "base" / "lm.bin", order=3, prune=(0,))
    return LanguageModel.load(tmp_path / "base")


def test_recordings_that_are_held_out_become_likelier(base: LanguageModel, tmp_path: Path) -> None:
    before = base.path.read_bytes()
    (tmp_path / "notes").write_text("zoe and the zebra\n" * 3)
    summary = adapt(base, transcripts(8), tmp_path / "lm.bin", texts=[[tmp_path / "notes"]], names=["o'neil"])
    assert base.path.read_bytes() == before
    assert (summary.recordings, summary.words) == (8, 8 * 281)
    assert sum(summary.weights) == pytest.approx(1)
    assert MIN_BASE_WEIGHT <= summary.weights[0] < 0.5 < summary.weights[1]
    assert summary.fit is not None
    assert summary.fit.words == summary.words
    assert summary.fit.perplexities[1] < summary.fit.perplexities[0] / 2
    zebras, singles = 8 * 40, 8
    assert summary.fit.unknown == pytest.approx(((zebras + singles) / summary.words, singles / summary.words))
    model = LanguageModel.load(tmp_path)
    assert set(model.words) == {*base.words, "zebra", "zoe", "and", "o'neil"}, "not the words that occur once"
    assert summary.added == 4
    ngrams = model.ngrams
    assert ngrams.order == base.ngrams.order
    total = sum(10 ** ngrams.score(ngrams.start(), word)[0] for word in (*model.words, "unheard"))
    assert total + 10 ** ngrams.score_end(ngrams.start()) == pytest.approx(1, abs=0.02)
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["lm.bin"]


def test_little_text_gets_little_weight(base: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = adapt(base, transcripts(20), tmp_path / "lm.bin")
    few = adapt(base, transcripts(4), tmp_path / "lm.bin")
    assert few.weights[0] > many.weights[0] >= MIN_BASE_WEIGHT
    alone = adapt(base, [[line for each in transcripts(4) for line in each]], tmp_path / "lm.bin")
    assert alone.weights == pytest.approx((0.9, 0.1))
    assert alone.fit is None
    monkeypatch.setattr(adaptation, "MAX_FOLDED_WORDS", 1000)
    single = adapt(base, transcripts(20), tmp_path / "lm.bin")
    assert single.fit is not None
    assert single.fit.words == single.words / FOLDS
    with pytest.raises(LanguageModelError, match="hold 562 words in all"):
        adapt(base, transcripts(2), tmp_path / "lm.bin")
    with pytest.raises(LanguageModelError, match="hold 0 words in all"):
        adapt(base, [], tmp_path / "lm.bin")


def test_a_prior_counts_as_tokens() -> None:
    scores = np.log10(np.array([[0.5, 0.5], [1e-9, 1e-9]]))
    assert fit_weights([scores]) == pytest.approx([1, 0], abs=1e-6)
    assert fit_weights([scores], np.array([0.0, 2.0])) == pytest.approx([0.5, 0.5], abs=1e-6)


def test_folds_hold_whole_recordings(tmp_path: Path) -> None:
    lengths = (50, 3, 9, 20, 20, 8, 30, 1)
    recordings = [[" ".join([f"word{chr(97 + number)}"] * length)] for number, length in enumerate(lengths)]
    folds = write_folds(recordings, tmp_path)
    assert len(folds) == FOLDS
    assert sum(fold.sources for fold in folds) == len(lengths)
    held = [set(fold.path.read_text().split()) for fold in folds]
    assert sum(map(len, held)) == len(set.union(*held)) == len(lengths)
    assert max(fold.counts.total() for fold in folds) == 50
    assert len(write_folds(recordings[:3], tmp_path)) == 3


def test_notes_become_sentences(tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text(
        "<script>no</script><p>With <b>Zoë</b> O&#39;Neil. Ask me@there.org!<li>At https://zebra.example/a?b in 1999"
    )
    expected = ["with zoe o'neil", "ask", "at in nineteen ninety nine"]
    assert list(sentences(read_notes(tmp_path / "notes.html"))) == expected
    (tmp_path / "notes").write_text("One line\ntwo < three; www.zebra.example\n\n")
    assert list(sentences(read_notes(tmp_path / "notes"))) == ["one line", "two three"]


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """A model folder, and a folder with a new language model."""
    mine, made = tmp_path / "mine", tmp_path / "made"
    for folder in (mine, made):
        folder.mkdir()
    for name in ("model.safetensors", "lm.bin", "decoder.yaml", "LICENSE-lm.md"):
        (mine / name).write_text(name)
    write_checksums(mine, ["model.safetensors", "lm.bin"])
    (made / "lm.bin").write_text("new")
    (made / "ADAPTATION.md").write_text("card")
    return mine, made


def test_the_folder_is_a_copy_with_the_new_language_model(models: tuple[Path, Path], tmp_path: Path) -> None:
    mine, made = models
    output = tmp_path / "out"
    check_output(mine, output)
    install(mine, made, output)
    names = {"ADAPTATION.md", "LICENSE-lm.md", "checksums.txt", "decoder.yaml", "lm.bin", "model.safetensors"}
    assert {path.name for path in output.iterdir()} == names
    assert (output / "lm.bin").read_text() == "new"
    assert (mine / "lm.bin").read_text() == "lm.bin"
    (output / "decoder.yaml").write_text("tuned")
    again = tmp_path / "again"
    again.mkdir()
    (again / "lm.bin").write_text("newer")
    check_output(mine, output)
    install(mine, again, output)
    assert {path.name for path in output.iterdir()} == names
    assert [(output / name).read_text() for name in ("lm.bin", "decoder.yaml")] == ["newer", "tuned"]
    assert (output / "checksums.txt").read_text() != (mine / "checksums.txt").read_text()


def test_no_model_is_overwritten(models: tuple[Path, Path], tmp_path: Path) -> None:
    mine, made = models
    with pytest.raises(ModelError, match="is the model that is adapted"):
        check_output(mine, mine)
    with pytest.raises(ModelError, match="is the model that is adapted"):
        check_output(mine / "model.safetensors", mine / "lm.bin")
    with pytest.raises(ModelError, match="is the model that is installed"):
        check_output(mine, SHIPPED_MODEL)
    with pytest.raises(ModelError, match="holds other files"):
        check_output(mine, made)
    (made / "model.safetensors").write_text("another")
    with pytest.raises(ModelError, match="holds another network"):
        check_output(mine, made)
    with pytest.raises(ModelError, match="no such folder to write x to"):
        check_output(mine, tmp_path / "nowhere" / "x")
    with pytest.raises(ModelError, match="holds no model"):
        check_output(tmp_path, tmp_path / "x")
    check_output(mine, mine / "other.bin")
    assert not is_folder(mine / "other.bin")
