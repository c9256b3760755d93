from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audiosearch.diagnosis.packages import CORE, MAX_REASON, PACKAGES, explain, version
from audiosearch.errors import InstallationError

UNFIT = """
try:
    raise OSError("/home/ann/.venv/lib/libtorchaudio.so: undefined symbol: torch_exception_get_what")
except OSError as error:
    raise OSError("Could not load this library: /home/ann/.venv/lib/libtorchaudio.so") from error
"""

Import = Callable[..., InstallationError | None]


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """``explained(code, name=source…)``: explanation of the error of ``code`` with packages of these sources."""
    before = dict(sys.modules)

    def run(code: str, **packages: str) -> InstallationError | None:
        monkeypatch.syspath_prepend(tmp_path)
        for name, source in packages.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(source)
            for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == name]:
                del sys.modules[loaded]
        try:
            exec(code, {"__name__": "audiosearch.imagined"})
        except (ImportError, OSError, ValueError, AttributeError, RuntimeError, ArithmeticError) as error:
            return explain(error)
        raise AssertionError("nothing went wrong")

    yield run
    for name in [name for name in sys.modules if name not in before]:
        del sys.modules[name]
    sys.modules.update(before)


def test_an_incompatible_library(explained: Import) -> None:
    error = explained("import torchaudio", torchaudio=UNFIT)
    assert error is not None
    assert error.package == "torchaudio"
    assert str(error) == (
        f"torchaudio {version('torchaudio')} does not load beside torch {version('torch')} (libtorchaudio.so: "
        "undefined symbol: torch_exception_get_what); in a clone of audiosearch, `pip install -c constraints.txt .` "
        "installs the versions that were tested together."
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
        ("raise ValueError('numpy.dtype size changed')", "numpy.dtype size changed"),
        ("raise ImportError('\\n\\nIMPORTANT: READ\\n\\nmore')", "IMPORTANT: READ"),
        ("raise AttributeError", "AttributeError"),
        (f"raise RuntimeError('x' * {2 * MAX_REASON})", "x" * MAX_REASON + "…"),
    ],
)
def test_packages_that_raise_other_errors(explained: Import, source: str, reason: str) -> None:
    error = explained("import soxr", soxr=source)
    assert f"soxr {version('soxr')} does not load beside numpy {version('numpy')} ({reason}); " in str(error)


def test_error_through_an_imported_module_of_the_project(explained: Import) -> None:
    assert "soxr" in str(explained("def load():\n    import soxr\nload()", soxr="raise OSError('x')"))


def test_a_compiled_core_that_is_missing(explained: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "audiosearch.core._core", None)
    monkeypatch.delitem(sys.modules, "audiosearch.core", raising=False)
    error = explained("import audiosearch.core")
    assert error is not None
    assert error.package == CORE
    assert str(error).endswith("; in a clone of audiosearch, `pip install -c constraints.txt -e .` builds it anew.")


def test_a_compiled_core_that_is_older_than_its_callers(explained: Import) -> None:
    error = explained("from audiosearch.core._core import what_comes_next_year")
    assert str(error).startswith("The compiled core does not load (cannot import name 'what_comes_next_year' from ")


def test_a_missing_package(explained: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert str(explained("import yaml")).startswith("PyYAML is not installed; in a clone")


def test_a_package_of_another_version(explained: Import) -> None:
    error = explained("from click import what_comes_next_year")
    assert str(error).startswith(f"click {version('click')} does not load (cannot import name")


def test_a_package_imported_inside_a_function(explained: Import) -> None:
    later = "def work():\n    import nowhere_to_be_found"
    assert "nowhere_to_be_found is not installed" in str(explained("import jiwer; jiwer.work()", jiwer=later))


def test_a_python_without_a_standard_module(explained: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lzma", raising=False)
    monkeypatch.setitem(sys.modules, "_lzma", None)
    assert str(explained("import lzma")) == "This Python was built without _lzma; install one that has it."


@pytest.mark.parametrize(
    "code",
    [
        "import audiosearch.nowhere",
        "from audiosearch.normalizer import nothing_of_this_name",
        "import nowhere_to_be_found",  # nobody's package: a slip of ours
        "import json; json.loads('{')",
        "open('/nowhere/at/all')",
        "1 / 0",
    ],
)
def test_errors_of_the_project_are_not_explained(explained: Import, code: str) -> None:
    assert explained(code) is None


def test_errors_of_working_packages_are_not_explained(explained: Import) -> None:
    assert explained("import jiwer; jiwer.work()", jiwer="def work():\n    raise OSError('no such file')") is None


def test_packages_are_those_of_the_project(repository: Path) -> None:
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = text.partition("\ndependencies = [\n")[2].partition("\n]\n")[0]
    required = set(re.findall(r'^ *"([\w-]+)', dependencies, flags=re.MULTILINE))
    assert {package.distribution for package in PACKAGES if package.is_required} == required
    assert {package.beside for package in PACKAGES if package.beside} <= required
    extras = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    optional = {package.distribution for package in PACKAGES if not package.is_required}
    assert all(re.search(rf'"{name}\b', extras) for name in optional)
