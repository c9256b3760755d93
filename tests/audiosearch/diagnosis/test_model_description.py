"""Models in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.diagnosis.model_description import describe_model
from audiosearch.errors import ModelError
from audiosearch.model_folder import SHIPPED_MODEL


def test_the_installed_model_is_named_in_words() -> None:
    title, network, language_model, licenses = describe_model(SHIPPED_MODEL)
    assert title.startswith("The English model")
    assert "LSTM layers of" in network
    assert network.endswith("million weights in 8 bits")
    assert language_model.endswith(" MB")
    assert licenses.endswith("README.md")
    assert describe_model(SHIPPED_MODEL / "model.safetensors")[0] == title


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no model" * 9)
    for path in (tmp_path, tmp_path / "model.safetensors"):
        with pytest.raises(ModelError, match="its header cannot be read"):
            describe_model(path)
