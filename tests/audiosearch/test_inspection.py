from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from audiosearch.inspection import inspect_recording
from audiosearch.recognizer import Recognizer

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler


def test_views_have_the_times_of_the_recording(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", "___i am_human things")
    with Recognizer.load(whistle_model) as recognizer:
        whole, part = inspect_recording(recognizer, path, 0, 30), inspect_recording(recognizer, path, 2.5, 1.9)
    assert whole.duration == pytest.approx(5.6)
    assert [word.text for word in part.words] == ["i", "am"]
    assert (part.start, part.duration) == (2.5, 1.9)
    for drawn, word in zip(part.words, whole.words, strict=False):
        assert drawn.start == pytest.approx(word.start, abs=0.03)
    assert part.emissions[0].start == 2.5
    assert len(part.spectrogram) == 190
    h = whole.alphabet.encode("h")[0]
    loudest = [e.seconds(int(e.log_probs[:, h].argmax())) for e in whole.emissions]
    assert np.isclose(loudest[0], 4.4, atol=0.05)
