"""The names that both packages offer to programs."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import pytest

import audiosearch
import indexer


def test_packages_import_no_heavy_library() -> None:
    code = "import json, sys, audiosearch, indexer; dir(indexer); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pydantic", "apsw", "elasticsearch"} & set(json.loads(done.stdout))


@pytest.mark.parametrize("package", [audiosearch, indexer], ids=lambda package: package.__name__)
def test_all_public_names_exist(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package._TARGETS) == set(package.__all__) - {"__version__"}


@pytest.mark.parametrize("package", [audiosearch, indexer], ids=lambda package: package.__name__)
def test_other_names_raise_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'nothing'"):
        getattr(package, "nothing")  # noqa: B009
