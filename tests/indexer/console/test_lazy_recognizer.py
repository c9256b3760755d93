"""Loading of the recognizer on first use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiosearch.errors import ModelError
from audiosearch.recognizer import Recognizer
from indexer.console.lazy_recognizer import LazyRecognizer


def test_loading_is_a_stage_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = LazyRecognizer(Path("model"))
    stages: list[bool] = []

    def load(*arguments: Any, **options: Any) -> Recognizer:
        stages.append(recognizer.is_loading)
        raise ModelError("damaged")

    monkeypatch.setattr(Recognizer, "load", load)
    assert not recognizer.is_loading
    with pytest.raises(ModelError, match="damaged"), recognizer:
        _ = recognizer.fingerprint
    assert stages == [True]
    assert not recognizer.is_loading
    assert recognizer.position == 0
