from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from audiosearch.data.manifest import Utterance
from audiosearch.errors import ManifestError
from audiosearch.evaluation.references import References, align_words, concatenate_emissions
from audiosearch.recognizer import Recognizer
from audiosearch.types import Emissions, Word

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler


def rows(first: int, frames: int) -> Emissions:
    """Emissions that begin at a frame with the label of its number almost certain."""
    log_probs = np.full((frames, 9), -20.0, np.float32)
    log_probs[np.arange(frames), first + np.arange(frames)] = 0.0
    return Emissions(log_probs, 0.03, 0.01 + 0.03 * first)


def test_segments_are_concatenated_with_blanks_between() -> None:
    whole = concatenate_emissions([rows(1, 2), rows(3, 1), rows(6, 2)], blank=0)
    assert (whole.start, whole.frame_duration) == pytest.approx((0.04, 0.03))
    assert whole.log_probs.argmax(1).tolist() == [1, 2, 3, 0, 0, 6, 7]
    assert np.exp(whole.log_probs).sum(1) == pytest.approx(1, abs=1e-3)


def test_words_are_given_or_aligned_once(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    audio = whistler.write(tmp_path / "a talk.wav", "_human things")
    given = {"a_talk": (Word("elsewhere", 5.0, 6.0, 1.0),)}
    utterance = Utterance(audio, "human things", None, None, "one")
    with Recognizer.load(whistle_model) as recognizer:
        assert References(recognizer, given, tmp_path / "kept.json").words(utterance) == given["a_talk"]
        first = References(recognizer, {}, tmp_path / "kept.json")
        words = first.words(utterance)
        assert [word.text for word in words] == ["human", "things"]
        assert [word.start for word in words] == pytest.approx([1.0, 1.6], abs=0.1)
        first.save()
        audio.unlink()  # so that it cannot be aligned again
        second = References(recognizer, {}, tmp_path / "kept.json")
        assert second.words(utterance) == words
        assert (first.aligned, second.aligned) == (2, 2)


def test_failed_alignments_are_reported(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    audio = whistler.write(tmp_path / "a.wav", "human")
    with Recognizer.load(whistle_model) as recognizer:
        assert align_words(recognizer, audio, "") == ()
        with pytest.raises(ManifestError, match=r"a\.wav: the text does not fit"):
            align_words(recognizer, audio, "human things " * 20)
        with pytest.raises(ManifestError, match="cut it into utterances"):
            align_words(recognizer, audio, "human", max_duration=0.1)
