"""Language models of several kinds of text, estimated with KenLM's lmplz where it is installed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.mixture import estimate_mixture, read_vocabulary
from audiosearch.language_model.model import LanguageModel
from indexer.commands.language_model.lm import lm as command

NOUNS = ("cat", "dog", "tree", "river", "house", "road", "bird", "stone")


@pytest.fixture
def kinds(tmp_path: Path) -> list[list[Path]]:
    """Old prose and talk, two hundred sentences each."""
    rng = random.Random(0)
    (tmp_path / "prose").write_text(
        "".join(f"the {rng.choice(NOUNS)} stood near the old {rng.choice(NOUNS)}\n" for _ in range(200))
    )
    (tmp_path / "talk").write_text(
        "".join(f"um yeah the {rng.choice(NOUNS)} you know like the {rng.choice(NOUNS)}\n" for _ in range(200))
    )
    (tmp_path / "more").write_text("yeah you know\n" * 20)
    (tmp_path / "spoken").write_text("um yeah you know the zebra\nyeah like the dog\n")
    (tmp_path / "written").write_text("the old river\n")
    return [[tmp_path / "prose"], [tmp_path / "talk", tmp_path / "more"]]


@pytest.mark.usefixtures("kenlm")
def test_weights_go_to_the_kind_that_fits(kinds: list[list[Path]], tmp_path: Path) -> None:
    (tmp_path / "names").write_text("zoe\t5\nzebra\t40\nthe\t7\n")
    mixture = estimate_mixture(
        kinds, [tmp_path / "spoken"], tmp_path / "lm.bin", vocabulary=tmp_path / "names", order=3
    )
    assert mixture.weights[1] > 0.6
    assert sum(mixture.weights) == pytest.approx(1)
    words = {"the", "stood", "near", "old", "um", "yeah", "you", "know", "like", "zoe", "zebra"}
    assert mixture.vocabulary == len({*NOUNS, *words})
    assert (mixture.words, mixture.ngrams[0]) == (200 * 7 + 200 * 9 + 60, mixture.vocabulary + 3)
    assert mixture.fits[0].unknown == 0
    assert mixture.bytes == (tmp_path / "lm.bin").stat().st_size
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["lm.bin"]

    model = LanguageModel.load(tmp_path)
    assert model.words == tuple(sorted({*NOUNS, *words}))
    ngrams = model.ngrams
    scores = {word: ngrams.score(ngrams.start(), word)[0] for word in ("um", "stood", "zebra", "zoe", "unheard")}
    assert scores["um"] > scores["stood"] > scores["zebra"] > scores["zoe"] >= scores["unheard"]

    written = estimate_mixture(kinds, [tmp_path / "written"], tmp_path / "lm.bin", order=3, min_count=2)
    assert written.weights[0] > 0.6
    both = estimate_mixture(kinds, [tmp_path / "written", tmp_path / "spoken"], tmp_path / "lm.bin", order=3)
    assert written.weights[0] > both.weights[0] > mixture.weights[0]
    assert both.fits[1].unknown == pytest.approx(1 / 10)


@pytest.mark.usefixtures("kenlm")
def test_a_model_is_pruned_to_a_size(kinds: list[list[Path]], tmp_path: Path) -> None:
    development = [tmp_path / "spoken"]
    whole = estimate_mixture(kinds, development, tmp_path / "lm.bin", order=4)
    for wanted in (whole.bytes - 100, whole.bytes - 200, whole.bytes - 400):
        small = estimate_mixture(kinds, development, tmp_path / "lm.bin", order=4, max_megabytes=wanted / 1e6)
        assert wanted - 150 < small.bytes <= wanted
        assert whole.vocabulary + 3 == small.ngrams[0]
        assert 0 < sum(small.ngrams[1:]) < sum(whole.ngrams[1:])
    same = estimate_mixture(kinds, development, tmp_path / "lm.bin", order=4, max_megabytes=1)
    assert same.ngrams == whole.ngrams
    with pytest.raises(LanguageModelError, match=r"max-megabytes 1e-05: the words alone take"):
        estimate_mixture(kinds, development, tmp_path / "lm.bin", order=4, max_megabytes=1e-5)


@pytest.mark.usefixtures("kenlm")
def test_the_command_prints_the_weights(kinds: list[list[Path]], tmp_path: Path) -> None:
    texts = [",".join(map(str, kind)) for kind in kinds]
    arguments = [*texts, "-o", str(tmp_path / "lm.bin"), "--order", "3", "--prune", "0"]
    result = CliRunner().invoke(command, [*arguments, "--interpolate-on", str(tmp_path / "spoken")])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[1].startswith("weight 0.")
    assert lines[1].endswith(texts[1])
    assert lines[2].startswith("perplexity ")
    assert "10.00% unknown words" in lines[2]
    result = CliRunner().invoke(command, [*arguments, "--max-megabytes", "1"])
    assert result.exit_code == 2
    assert "--interpolate-on" in result.output


@pytest.mark.usefixtures("kenlm")
def test_unusable_texts_are_named(kinds: list[list[Path]], tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n--\n")
    with pytest.raises(LanguageModelError, match="empty: contains no known words"):
        estimate_mixture(kinds, [tmp_path / "empty"], tmp_path / "lm.bin")
    with pytest.raises(LanguageModelError, match="missing: no such text file"):
        estimate_mixture(kinds, [tmp_path / "missing"], tmp_path / "lm.bin")
    with pytest.raises(LanguageModelError, match="no development text"):
        estimate_mixture(kinds, [], tmp_path / "lm.bin")
    with pytest.raises(LanguageModelError, match="no word occurs 5000 times"):
        estimate_mixture(kinds, [tmp_path / "spoken"], tmp_path / "lm.bin", min_count=5000)
    with pytest.raises(LanguageModelError, match="empty: contains no words"):
        estimate_mixture([*kinds, [tmp_path / "empty"]], [tmp_path / "spoken"], tmp_path / "lm.bin")
    assert not (tmp_path / "lm.bin").exists()


def test_a_vocabulary_may_have_counts(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("the\t12\no'neil\ncat\t0\ndog\t3\n")
    assert read_vocabulary(tmp_path / "list") == {"the": 12, "o'neil": 1, "cat": 1, "dog": 3}
    assert list(read_vocabulary(tmp_path / "list", 2)) == ["the", "o'neil"]
    for line in ("", "two words", "Cat", "cat\tmany", "cat\t1.5"):
        (tmp_path / "list").write_text(f"the\n{line}\n")
        with pytest.raises(LanguageModelError, match="list: line 2 must be"):
            read_vocabulary(tmp_path / "list")
