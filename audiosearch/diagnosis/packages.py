"""The packages that audiosearch stands on, and the sentence about one that is missing or does not load.

Compiled packages break in ways of their own: a torchaudio beside another torch than it was built for raises OSError, a
package built for another NumPy ValueError or AttributeError. All have in common that the import of a package from
outside raised them, which their traceback tells.
"""

from __future__ import annotations

import re
import sys
import traceback
from dataclasses import dataclass

from audiosearch.errors import InstallationError

REMEDY = "in a clone of audiosearch, `pip install -c constraints.txt .` installs the versions that were tested together"

MAX_REASON = 160
"""Characters of somebody else's message that are shown."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that audiosearch imports.

    Args:
        module: name to import.
        distribution: name to install.
        is_required: as pyproject.toml says; without the others a feature is missing.
        is_loaded: to find out whether it works it has to be imported, since it is compiled or stands on one that is.
        beside: distribution that it must fit.
    """

    module: str
    distribution: str
    is_required: bool = True
    is_loaded: bool = True
    beside: str = ""


PACKAGES = (
    Package("torch", "torch", beside="numpy"),
    Package("torchaudio", "torchaudio", beside="torch"),
    Package("numpy", "numpy"),
    Package("numba", "numba", beside="numpy"),
    Package("pyctcdecode", "pyctcdecode", is_required=False, beside="numpy"),
    Package("kenlm", "kenlm"),
    Package("soundfile", "soundfile"),
    Package("av", "av"),
    Package("soxr", "soxr", beside="numpy"),
    Package("safetensors", "safetensors"),
    Package("pydantic", "pydantic"),
    Package("yaml", "PyYAML"),
    Package("apsw", "apsw"),
    Package("elasticsearch", "elasticsearch", is_loaded=False),
    Package("click", "click", is_loaded=False),
    Package("rich", "rich", is_loaded=False),
    Package("platformdirs", "platformdirs", is_loaded=False),
    Package("num2words", "num2words", is_loaded=False),
    Package("jiwer", "jiwer", is_loaded=False),
    Package("matplotlib", "matplotlib", is_loaded=False),
    Package("tensorboard", "tensorboard", is_loaded=False),
    Package("watchfiles", "watchfiles", is_loaded=False),
    Package("starlette", "starlette", is_loaded=False),
    Package("uvicorn", "uvicorn", is_loaded=False),
    Package("sounddevice", "sounddevice", is_required=False, is_loaded=False),
    Package("keyring", "keyring", is_required=False, is_loaded=False),
)

_BY_MODULE = {package.module: package for package in PACKAGES}
_OWN = frozenset({"audiosearch", "indexer", "cli", "__main__"})
_MACHINERY = frozenset({"importlib", "_frozen_importlib", "_frozen_importlib_external"})


def version(distribution: str) -> str:
    """The version that is installed, or nothing."""
    from importlib import metadata  # takes longer to import than a query to be answered

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def explain(error: BaseException) -> InstallationError | None:
    """The sentence about a package that is missing or does not load; None where the error is of another kind.

    Errors of our own modules are never explained away: they are ours, and keep their traceback.
    """
    module = _failed_import(error)
    if not module:
        return None
    if module in sys.stdlib_module_names:
        absent = getattr(error, "name", None) or module
        return InstallationError(f"This Python was built without {absent}; install one that has it.")
    package = _BY_MODULE.get(module, Package(module, module))
    if isinstance(error, ModuleNotFoundError) and error.name == module:
        return InstallationError(f"{package.distribution} is not installed; {REMEDY}.", package.distribution)
    name = f"{package.distribution} {version(package.distribution)}".rstrip()
    other = f" beside {package.beside} {version(package.beside)}".rstrip() if package.beside else ""
    sentence = f"{name} does not load{other} ({_reason(error)}); {REMEDY}."
    return InstallationError(sentence, package.distribution)


def _failed_import(error: BaseException) -> str:
    """Module from outside, or of Python, that was being imported by one of ours when the error arose; else nothing."""
    named = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if named in _OWN or not isinstance(error, Exception):
        return ""
    beyond: list[tuple[str, bool]] = []  # frames after the last of ours: root module, whether it is an import
    for frame, _ in traceback.walk_tb(error.__traceback__):
        root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if root in _OWN:
            beyond = []
        elif root not in _MACHINERY:
            beyond.append((root, frame.f_code.co_name == "<module>"))
    if beyond and beyond[0][1]:
        return beyond[0][0]
    return named if beyond or named in _BY_MODULE else ""


def _reason(error: BaseException) -> str:
    """The first line of what first went wrong, with files instead of their paths."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = re.sub(r"(?:/[^\s/:'\"]+)+/(?=[^\s/])", "", lines[0] if lines else type(error).__name__).rstrip(".")
    return text if len(text) <= MAX_REASON else text[:MAX_REASON] + "…"
