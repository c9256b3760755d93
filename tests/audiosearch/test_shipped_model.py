"""The model that ships, on the example episodes, whose text is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from audiosearch import Recognizer, normalize
from audiosearch.errors import ModelError
from audiosearch.evaluation.metrics import word_errors
from audiosearch.model_folder import find_model

MAX_WORD_ERROR_RATE = 0.25
"""Of 474 words; the ninth model has 20 % errors."""


def test_the_example_episodes_are_transcribed(repository: Path) -> None:
    try:
        find_model(None)
    except ModelError:
        pytest.skip("no model is shipped with this tree")
    podcasts = repository / "examples" / "podcasts"
    episodes = yaml.safe_load((podcasts / "episodes.yaml").read_text(encoding="utf-8"))
    with Recognizer.load(threads=1) as recognizer:
        transcripts = [recognizer.transcribe(podcasts / episode["file"]) for episode in episodes]
    references = [normalize(" ".join(line for _, line in episode["lines"])) for episode in episodes]
    rate = word_errors(references, [transcript.text for transcript in transcripts])
    assert rate.total == 474
    assert rate.rate <= MAX_WORD_ERROR_RATE
    for transcript in transcripts:
        starts = [word.start for word in transcript.words]
        assert starts == sorted(starts)
        assert 0 <= starts[0] < transcript.words[-1].end <= transcript.duration
