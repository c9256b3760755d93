"""Packages that audiosearch depends on, and messages about those that are missing or fail to import.

The compiled core counts as one of them: it can be missing or older than the sources beside it.

Incompatible compiled packages raise various errors: torchaudio beside another torch than it was built for raises
OSError, a package built for another NumPy ValueError or AttributeError. Their tracebacks show that the import of a
third-party package raised them.
"""

from __future__ import annotations

import re
import sys
import traceback
from dataclasses import dataclass

from audiosearch.errors import InstallationError

REMEDY = "in a clone of audiosearch, `pip install -c constraints.txt .` installs the versions that were tested together"

CORE = "audiosearch.core"
"""The compiled part of audiosearch, which is built when it is installed."""

CORE_REMEDY = "in a clone of audiosearch, `pip install -c constraints.txt -e .` builds it anew"

MAX_REASON = 160
"""Characters of a third-party error message that are shown."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that audiosearch imports.

    Args:
        module: name to import.
        distribution: name to install.
        is_required: False for optional packages, without which a feature is missing.
        is_loaded: True if only importing it shows that it works, since it is compiled or depends on such a package.
        beside: distribution that it must be compatible with.
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
    Package("pyctcdecode", "pyctcdecode", is_required=False, beside="numpy"),
    Package("kenlm", "kenlm", is_required=False),
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
    Package("prometheus_client", "prometheus-client", is_loaded=False),
    Package("segno", "segno", is_loaded=False),
    Package("sounddevice", "sounddevice", is_required=False, is_loaded=False),
    Package("keyring", "keyring", is_required=False, is_loaded=False),
)

_BY_MODULE = {package.module: package for package in PACKAGES}
_OWN = frozenset({"audiosearch", "indexer", "cli", "__main__"})
_MACHINERY = frozenset({"importlib", "_frozen_importlib", "_frozen_importlib_external"})


def version(distribution: str) -> str:
    """Installed version; empty if not installed."""
    from importlib import metadata  # its import takes longer than a query

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def explain(error: BaseException) -> InstallationError | None:
    """Error with a remedy if a third-party package is missing or fails to import; None for all other errors.

    Errors in modules of this project are not explained, except for the compiled core: they keep their traceback.
    """
    if isinstance(error, ImportError) and error.name == f"{CORE}._core":
        return InstallationError(f"The compiled core does not load ({_reason(error)}); {CORE_REMEDY}.", CORE)
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
    companion = f" beside {package.beside} {version(package.beside)}".rstrip() if package.beside else ""
    sentence = f"{name} does not load{companion} ({_reason(error)}); {REMEDY}."
    return InstallationError(sentence, package.distribution)


def _failed_import(error: BaseException) -> str:
    """Third-party or standard module that a module of this project was importing; empty without one."""
    named = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if named in _OWN or not isinstance(error, Exception):
        return ""
    beyond: list[tuple[str, bool]] = []  # frames after our last one: root module, and True for an import
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
    """First line of the root cause, with file names instead of paths."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = re.sub(r"(?:/[^\s/:'\"]+)+/(?=[^\s/])", "", lines[0] if lines else type(error).__name__).rstrip(".")
    return text if len(text) <= MAX_REASON else text[:MAX_REASON] + "…"
