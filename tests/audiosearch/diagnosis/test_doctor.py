from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import audiosearch
from audiosearch.audio.ffmpeg import installation
from audiosearch.diagnosis.doctor import Check, attempt, check_installation, check_machine, check_models, without_home
from audiosearch.diagnosis.packages import PACKAGES
from audiosearch.errors import ModelError
from audiosearch.model_folder import write_checksums

ENGLISH = Path(audiosearch.__file__).parent / "models" / "english"


def by_name(checks: object) -> dict[str, Check]:
    return {check.name: check for check in checks}  # type: ignore[attr-defined]


def raising(error: BaseException) -> Callable[[], Check]:
    def check() -> Check:
        raise error

    return check


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``without(module)`` makes a module fail to import, since it or the module ``absent`` is missing."""

    def hide(name: str, absent: str = "") -> None:
        absent = absent or name
        load = importlib.import_module

        def refuse(module: str, *about: str) -> object:
            if module == name:
                raise ModuleNotFoundError(f"No module named {absent!r}", name=absent)
            return load(module, *about)

        monkeypatch.setattr(importlib, "import_module", refuse)

    return hide


def test_an_error_in_a_check_is_a_problem() -> None:
    assert attempt("A", "b", raising(ModelError("x: is damaged."))) == Check(
        "A", "b", "cannot be used", "problem", "x: is damaged."
    )
    unloaded = attempt("A", "b", raising(ModuleNotFoundError("No module named 'torch'", name="torch")))
    assert unloaded == Check("A", "b", "not checked, since torch does not load", "warning")
    unfound = attempt("A", "b", raising(ModuleNotFoundError("No module named 'jiwer'", name="jiwer")))
    assert (unfound.status, unfound.advice[:24]) == ("problem", "jiwer is not installed; ")
    no_core = ModuleNotFoundError("No module named 'audiosearch.core._core'", name="audiosearch.core._core")
    unbuilt = attempt("A", "b", raising(no_core))
    assert unbuilt == Check("A", "b", "not checked, since audiosearch.core does not load", "warning")
    with pytest.raises(ZeroDivisionError):
        attempt("A", "b", raising(ZeroDivisionError()))


def test_the_home_folder_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    given = Check("A", "b", "/home/ann/x.db: 3, /home/ann", "problem", "/home/anna, /home/ann: write there.")
    assert without_home(given) == Check("A", "b", "~/x.db: 3, ~", "problem", "/home/anna, ~: write there.")
    monkeypatch.setenv("HOME", "/")
    assert without_home(given) == given


def test_the_installation_of_the_tests() -> None:
    checks = by_name(check_installation())
    assert {package.distribution for package in PACKAGES} <= set(checks)
    assert [check for check in checks.values() if check.status == "problem"] == []
    assert "vorbis" in checks["FFmpeg"].value


def test_missing_packages(without: Callable[..., None]) -> None:
    without("soxr")
    result = by_name(check_installation())["soxr"]
    assert result.status == "problem"
    assert result.advice.startswith("soxr is not installed; ")


def test_a_compiled_core_that_is_missing(without: Callable[..., None]) -> None:
    assert by_name(check_installation())["compiled core"].value.startswith("_core.")
    without("audiosearch.core", absent="audiosearch.core._core")
    result = by_name(check_installation())["compiled core"]
    assert (result.status, result.value) == ("problem", "does not load")
    assert result.advice.startswith("The compiled core does not load (No module named 'audiosearch.core._core'); in a ")


def test_other_errors_of_the_compiled_core_are_raised(without: Callable[..., None]) -> None:
    without("audiosearch.core", absent="audiosearch.nowhere")
    with pytest.raises(ModuleNotFoundError, match=r"audiosearch\.nowhere"):
        list(check_installation())


def test_incompatible_torch_and_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def refuse(*about: object) -> None:
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch.Tensor, "numpy", refuse)
    result = by_name(check_installation())["torch"]
    assert result.status == "problem"
    assert "does not load beside numpy" in result.advice


def test_an_ffmpeg_without_a_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "DECODERS", {"mp3": "mp3", "wax": "wax_cylinder"})
    result = by_name(check_installation())["FFmpeg"]
    assert result.status == "warning"
    assert result.value.endswith(", lacks wax")


def test_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AUDIOSEARCH_KENLM_BIN", str(tmp_path))
    result = by_name(check_installation())["programs"]
    assert (result.value, result.status) == ("none", "ok")
    assert "lmplz" in result.advice
    assert "--play" in result.advice
    for name in ("lmplz", "mpv"):
        (tmp_path / name).touch(0o755)
    result = by_name(check_installation())["programs"]
    assert (result.value, result.advice) == ("lmplz, mpv", "")


def test_the_machine() -> None:
    checks = by_name(check_machine())
    assert list(checks) == ["processor", "resources", "GPU"]
    assert all(check.status != "problem" and check.value for check in checks.values())


def test_processor_features(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_vnni": True, "sse": True})
    assert by_name(check_machine())["processor"].value.endswith(": AVX2, VNNI")


def test_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiosearch.diagnosis.doctor._memory_gb", lambda: (4.0, 0.5))
    result = by_name(check_machine())["resources"]
    assert result.status == "warning"
    assert result.value.endswith("4.0 GB of memory, 0.5 GB of it free")


def test_the_model_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    monkeypatch.setattr("audiosearch.acoustic.inference.has_integer_products", lambda: False)
    checks = by_name(check_models(None))
    assert checks["model"].value.startswith(f"{ENGLISH}: The English model that ships")
    assert checks["model"].value.endswith("checksums hold")
    assert checks["precision"].value == "fp32 on the processor, without units for anything faster"
    assert "checksums hold" in checks["language model"].value
    assert {check.status for check in checks.values()} == {"ok"}


def test_a_damaged_model(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ENGLISH, tmp_path / "english"))
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"x")
    checks = by_name(check_models(folder))
    assert list(checks) == ["model", "language model"]
    assert checks["model"].status == "problem"
    assert "does not match its checksum in checksums.txt" in checks["model"].advice
    assert checks["language model"].status == "ok"


def test_a_model_of_a_run(whistle_model: Path, tmp_path: Path) -> None:
    checks = by_name(check_models(whistle_model))
    assert checks["model"].value.endswith("no checksums beside it")
    assert checks["language model"].status in ("ok", "warning")
    missing = by_name(check_models(tmp_path / "none"))
    assert {check.status for check in missing.values()} == {"problem"}


def test_a_missing_language_model(tmp_path: Path) -> None:
    folder = tmp_path / "english"
    folder.mkdir()
    shutil.copy(ENGLISH / "model.safetensors", folder)
    result = by_name(check_models(folder))["language model"]
    assert (result.status, result.value) == ("warning", f"none beside {folder}")
    write_checksums(folder, ["model.safetensors"])
    with (folder / "checksums.txt").open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  lm.bin\n")
    assert by_name(check_models(folder))["language model"].status == "problem"
