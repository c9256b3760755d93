"""Every test is alone: no settings, index or model of whoever runs it is read or written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _nobody_at_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without settings, index or model of their own, whose home is made when something is written to it."""
    for name in ("AUDIOSEARCH_STORE", "AUDIOSEARCH_CONFIG", "AUDIOSEARCH_MODEL"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.getbasetemp() / "nobody"
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Speech to measure with, which is not part of the repository; the test is skipped where there is none."""
    folder = Path(os.environ.get("AUDIOSEARCH_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "speech").is_dir():
        pytest.skip(f"no speech in {folder}: set AUDIOSEARCH_SHARED to where it is")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a GPU are skipped where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
