"""Checks of an installation: packages, compiled core, processor, FFmpeg, models. ``indexer.doctor`` checks the index.

A failed check does not raise: it has the status ``problem`` and advice.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import platform
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audiosearch.diagnosis.packages import CORE, PACKAGES, REMEDY, Package, explain, version
from audiosearch.errors import AudioSearchError
from audiosearch.model_folder import find_model, read_checksums

if TYPE_CHECKING:
    from audiosearch.acoustic.checkpoint import AcousticModel

Status = Literal["ok", "warning", "problem"]

MIN_MEMORY_GB = 2
"""With less free memory long recordings may not fit beside the network and the language model."""

ABSENT = "not installed"
"""Value of a package that is missing."""

FEATURES = {  # torch's names: common names
    "avx2": "AVX2",
    "avx512_f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx512_bf16": "bf16",
    "amx_bf16": "AMX",
}


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check.

    Args:
        section: heading of a group of checks.
        name: subject of the check.
        value: result.
        status: ``warning`` if a feature is missing, ``problem`` if commands will fail.
        advice: a sentence on what to do; may be empty.
    """

    section: str
    name: str
    value: str
    status: Status = "ok"
    advice: str = ""


def attempt(section: str, name: str, check: Callable[[], Check]) -> Check:
    """Run a check; an error becomes a problem, or a warning if a package is to blame that has a problem already."""
    try:
        with _quiet():
            return check()
    except AudioSearchError as error:
        return Check(section, name, "cannot be used", "problem", str(error))
    except Exception as error:
        broken = explain(error)
        if broken is None:
            raise
        if broken.package in {CORE, *(package.distribution for package in PACKAGES if package.is_loaded)}:
            return Check(section, name, f"not checked, since {broken.package} does not load", "warning")
        return Check(section, name, "not checked", "problem", str(broken))


def without_home(check: Check) -> Check:
    """Replace the home folder, whose path may reveal the user's name, by ~."""
    home = str(Path.home()).rstrip("/")
    if not home:
        return check
    pattern = re.escape(home) + r"(?![\w.-])"
    return replace(check, value=re.sub(pattern, "~", check.value), advice=re.sub(pattern, "~", check.advice))


def check_installation() -> Iterator[Check]:
    """Check Python, packages, the compiled core, FFmpeg, and programs that some commands start."""
    section = "Installation"
    yield Check(
        section, "audiosearch", version("audiosearch") or f"not installed, run from {Path(__file__).parents[1]}"
    )
    yield Check(section, "Python", f"{platform.python_version()}, {sys.executable}")
    yield Check(section, "system", platform.platform())
    for package in PACKAGES:
        yield _package(section, package)
    yield _core(section)
    yield attempt(section, "FFmpeg", partial(_ffmpeg, section))
    yield _programs(section)


def check_machine() -> Iterator[Check]:
    """Check processor, memory and GPU."""
    section = "Machine"
    yield attempt(section, "processor", partial(_processor, section))
    yield _memory(section)
    yield attempt(section, "GPU", partial(_gpu, section))


def check_models(path: Path | None) -> Iterator[Check]:
    """Check the acoustic model, its precision, and its language model.

    Args:
        path: as for ``Recognizer.load``.
    """
    section = "Recognition"
    loaded: list[AcousticModel] = []
    yield attempt(section, "model", partial(_model, section, path, loaded))
    if loaded:
        yield attempt(section, "precision", partial(_precision, section, loaded[0]))
    yield attempt(section, "language model", partial(_language_model, section, path))


# Installation


def _package(section: str, package: Package) -> Check:
    installed = version(package.distribution)
    if not installed and not package.is_required:
        return Check(section, package.distribution, ABSENT)
    if not package.is_loaded:
        if installed:
            return Check(section, package.distribution, installed)
        return Check(section, package.distribution, ABSENT, "problem", _sentence(REMEDY))
    try:
        with _quiet():
            importlib.import_module(package.module)
            if package.module == "torch":
                _exchange_arrays()
    except Exception as error:
        broken = explain(error)
        if broken is None:
            raise
        return Check(section, package.distribution, installed or ABSENT, "problem", str(broken))
    return Check(section, package.distribution, installed or "of unknown version")


def _core(section: str) -> Check:
    name = "compiled core"
    try:
        importlib.import_module(CORE)
    except ImportError as error:
        broken = explain(error)
        if broken is None:
            raise
        return Check(section, name, "does not load", "problem", str(broken))
    file = importlib.import_module(f"{CORE}._core").__file__
    return Check(section, name, Path(file or "").name)


def _exchange_arrays() -> None:
    """Pass an array from torch to NumPy, which fails if they were built for different versions."""
    import torch

    try:
        torch.zeros(1).numpy()
    except RuntimeError as error:  # "Numpy is not available"
        raise ImportError(f"it cannot use numpy {version('numpy')}", name="torch") from error


def _ffmpeg(section: str) -> Check:
    from audiosearch.audio import ffmpeg

    name = ffmpeg.ffmpeg_version()
    missing = ffmpeg.missing_decoders()
    if not missing:
        return Check(section, "FFmpeg", f"{name}, decodes {', '.join(ffmpeg.DECODERS)}")
    advice = "Recordings of these kinds cannot be read; install PyAV from its wheels: pip install --force-reinstall av."
    return Check(section, "FFmpeg", f"{name}, lacks {', '.join(missing)}", "warning", advice)


def _programs(section: str) -> Check:
    from audiosearch.language_model.estimation import PROGRAM_FOLDER

    folder = os.environ.get(PROGRAM_FOLDER)
    lmplz = ["lmplz"] if shutil.which("lmplz", path=folder) else []
    programs = lmplz + [name for name in ("ffplay", "mpv") if shutil.which(name)]
    missing = []
    if not lmplz:
        missing.append("`audiosearch lm` needs lmplz (scripts/build_kenlm.sh)")
    if programs == lmplz:
        missing.append("`query --play` needs ffplay, mpv or sounddevice")
    return Check(section, "programs", ", ".join(programs) or "none", advice=_sentence("; ".join(missing)))


# Machine


def _processor(section: str) -> Check:
    import torch

    native = torch.cpu.get_capabilities()
    features = [name for key, name in FEATURES.items() if native.get(key)]
    value = f"{_processor_name()}: {', '.join(features) or 'no vector units that speed the network up'}"
    return Check(section, "processor", value)


def _processor_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory(section: str) -> Check:
    from audiosearch.parallel import cores

    available, total = cores(), os.cpu_count() or 1
    value = f"{available} of {total} cores" if available < total else f"{total} cores" if total > 1 else "1 core"
    memory, free = _memory_gb()
    if not memory:
        return Check(section, "resources", value)
    value += f", {memory:.1f} GB of memory, {free:.1f} GB of it free"
    if free >= MIN_MEMORY_GB:
        return Check(section, "resources", value)
    return Check(section, "resources", value, "warning", "Long recordings may not fit; close other programs.")


def _memory_gb() -> tuple[float, float]:
    """Total and free memory in GB, within the limit of the control group; zeros if unknown."""
    total = free = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        total, free = (int(lines[name].split()[0]) * 1024 / 1e9 for name in ("MemTotal", "MemAvailable"))
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text(encoding="utf-8")) / 1e9  # "max": ValueError
        used = int((group / "memory.current").read_text(encoding="utf-8")) / 1e9
        total, free = min(total, limit), min(free, max(limit - used, 0.0))
    return total, free


def _gpu(section: str) -> Check:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 1e9
        return Check(section, "GPU", f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB, CUDA {torch.version.cuda}")
    if Path("/proc/driver/nvidia/version").exists():
        advice = "There is a driver of NVIDIA, but torch cannot use it: install a torch for the driver's CUDA version."
        return Check(section, "GPU", f"not usable by torch {torch.__version__}", "warning", advice)
    return Check(section, "GPU", "none")


# Models


def _model(section: str, path: Path | None, loaded: list[AcousticModel]) -> Check:
    """Load the model, and append it to ``loaded``."""
    from audiosearch.acoustic.checkpoint import load_model

    importlib.import_module("audiosearch.recognizer")  # imports everything that transcription needs
    path = find_model(path)
    model = load_model(path)  # also verifies checksums
    loaded.append(model)
    folder = path if path.is_dir() else path.parent
    weights = sum(parameter.numel() for parameter in model.network.parameters()) / 1e6
    checksums = "checksums hold" if read_checksums(folder) else "no checksums beside it"
    title = _title(folder)
    details = [
        *([title] if title else []),
        f"{weights:.1f} million weights",
        f"fingerprint {model.fingerprint}",
        checksums,
    ]
    return Check(section, "model", f"{path}: {', '.join(details)}")


def _title(folder: Path) -> str:
    """First heading of the model card in a folder."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in (folder / "README.md").read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                return line[2:].strip()
    return ""


def _precision(section: str, model: AcousticModel) -> Check:
    from audiosearch.acoustic.inference import choose_precision, default_device

    device = default_device()
    precision = choose_precision(model.config.window.precision, device, model.config.model)
    hardware = "GPU" if device.type == "cuda" else "processor"
    if model.config.window.precision != "auto":
        return Check(section, "precision", f"{precision} on the {hardware}, as the model's settings have it")
    slow = ", without units for anything faster" if precision == "fp32" else ""
    return Check(section, "precision", f"{precision} on the {hardware}{slow}")


def _language_model(section: str, path: Path | None) -> Check:
    from audiosearch.language_model.model import MODEL_NAME, LanguageModel

    name = "language model"
    path = find_model(path)
    folder = path if path.is_dir() else path.parent
    if not (folder / MODEL_NAME).exists() and MODEL_NAME not in read_checksums(folder):
        advice = "Without one, transcripts have many more errors; `audiosearch lm` makes one."
        return Check(section, name, f"none beside {path}", "warning", advice)
    model = LanguageModel.load(folder)
    checksums = "checksums hold" if MODEL_NAME in read_checksums(folder) else "no checksums"
    return Check(
        section, name, f"{MODEL_NAME} there: {model.ngrams.order}-gram, {len(model.words):,} words, {checksums}"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress warnings and output of packages during import."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""
