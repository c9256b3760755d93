"""Training on synthetic tones: exact resumption, failures, convergence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audiosearch.acoustic.checkpoint import load_model
from audiosearch.config import Config, load_config, parse_overrides
from audiosearch.data.dataset import Batch
from audiosearch.errors import AudioSearchError, ManifestError, ModelError, TrainingError
from audiosearch.training.checkpoint_state import load_state
from audiosearch.training.events import (
    Decoding,
    Finished,
    Notice,
    Record,
    Saved,
    SkippedStep,
    StepReport,
    ValidationReport,
)
from audiosearch.training.optimization import TrainStep
from audiosearch.training.run import train

ALL_AUGMENTATION = [
    "augment.speed_probability=0.5", "augment.gain_db=[-6, 6]", "augment.noise_probability=0.5",
    "augment.room_probability=0.5", "augment.band_limit_probability=0.5", "augment.silence_probability=0.5",
    "augment.silence_seconds=[0, 0.2]", "augment.band_limit_hz=[2000, 3500]", "augment.time_masks=1",
    "augment.frequency_masks=1", "augment.warp_probability=0.5", "model.dropout=0.2", "model.cell=lstm",
    "trainer.workers=1",
]  # fmt: skip


@pytest.fixture
def settings(repository: Path, tone_corpora: tuple[Path, Path], tmp_path: Path) -> Any:
    """Factory of the tiny settings with overrides."""
    learn, measure = tone_corpora

    def make(*changes: str) -> Config:
        data = {"data.train": [str(learn)], "data.valid": [str(measure)], "data.cache": str(tmp_path / "cache")}
        overrides = {**data, "trainer.log_every": 1, **parse_overrides(changes)}
        return load_config(repository / "configs" / "tiny.yaml", overrides)

    return make


def until(records: Iterator[Record], stop: threading.Event, step: int) -> list[Record]:
    """Records of a run that is stopped once it reports ``step``."""
    seen = []
    for record in records:
        seen.append(record)
        if isinstance(record, StepReport) and record.step == step:
            stop.set()
    return seen


def losses(folder: Path) -> list[tuple[str, int, float]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(row["kind"], row["step"], row["loss"]) for row in rows]


def assert_same_run(first: Path, second: Path) -> None:
    a, b = load_state(first / "state.safetensors"), load_state(second / "state.safetensors")
    assert a.progress == b.progress
    assert a.tensors.keys() == b.tensors.keys() == {"weights", "average", "exp_avg", "exp_avg_sq", "step"}
    for part, tensors in a.tensors.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, b.tensors[part][name]), (part, name)
    for name in ("last", "best"):
        if (first / f"{name}.safetensors").exists():
            assert (
                load_model(first / f"{name}.safetensors").fingerprint
                == load_model(second / f"{name}.safetensors").fingerprint
            )
    assert losses(first) == losses(second)


def test_three_steps_and_three_after_resuming_equal_six(
    settings: Any, tone_corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    noise = tone_corpora[1].parent
    config = settings(
        *ALL_AUGMENTATION, f"augment.noise=[{noise}]", f"augment.rooms=[{noise}]", "trainer.validate_every=3",
        "trainer.batch_seconds=48",
    )  # fmt: skip
    stop = threading.Event()
    whole = until(train(config, tmp_path / "whole", stop=stop), stop, 6)
    assert [record.step for record in whole if isinstance(record, StepReport)] == [1, 2, 3, 4, 5, 6]
    stop = threading.Event()
    first = until(train(config, tmp_path / "parts", stop=stop), stop, 3)
    assert isinstance(first[-1], Finished)
    assert (first[-1].step, first[-1].reason) == (3, "stopped")
    stop = threading.Event()
    second = until(train(config, tmp_path / "parts", stop=stop, resume=True), stop, 6)
    assert [record.step for record in second if isinstance(record, StepReport)] == [4, 5, 6]
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_resumed_killed_run_equals_an_uninterrupted_one(settings: Any, tmp_path: Path) -> None:
    """Steps reported after the last checkpoint are removed and repeated."""
    config = settings("trainer.epochs=1", "trainer.validate_every=4", "trainer.save_every_minutes=1e-9")
    list(train(config, tmp_path / "whole"))
    config = settings("trainer.epochs=1", "trainer.validate_every=4")
    killed = train(config, tmp_path / "killed", max_minutes=0)
    assert [record.reason for record in killed if isinstance(record, Finished)] == ["time"]
    killed = train(config, tmp_path / "killed", resume=True)
    for record in killed:
        if isinstance(record, StepReport) and record.step == 3:
            break
    killed.close()  # type: ignore[attr-defined]
    assert load_state(tmp_path / "killed" / "state.safetensors").progress.step == 0
    assert losses(tmp_path / "killed")[-1][:2] == ("train", 3)
    list(train(config, tmp_path / "killed", resume=True))
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_training_on_tones_converges_and_writes_a_model(settings: Any, tmp_path: Path) -> None:
    records = list(train(settings(), tmp_path / "run"))
    validations = [record for record in records if isinstance(record, ValidationReport)]
    assert validations[-1].cer < 0.02
    assert len(validations[-1].pairs) == 3
    assert all(pair.truth for pair in validations[-1].pairs)
    best = min(validations, key=lambda record: (record.wer, record.cer))
    assert best.best
    model = load_model(tmp_path / "run")
    assert model.config.model.hidden == 48
    steps = [record for record in records if isinstance(record, StepReport)]
    assert steps[0].loss > 10 * steps[-1].loss
    assert all(step.audio_per_second > 0 and step.remaining >= 0 for step in steps)
    assert (tmp_path / "run" / "progress.png").read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))
    assert isinstance(records[-2], Saved)
    assert isinstance(records[-1], Finished)
    assert records[-1].reason == "done"


@pytest.fixture
def fails_at(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Steps, added by the test, whose loss is NaN."""
    steps: set[int] = set()
    loss = TrainStep._loss

    def failing(self: TrainStep, batch: Batch, step: int) -> Tensor:
        return loss(self, batch, step) * (float("nan") if step in steps else 1.0)

    monkeypatch.setattr(TrainStep, "_loss", failing)
    return steps


def test_steps_with_non_finite_loss_are_skipped_and_counted(settings: Any, tmp_path: Path, fails_at: set[int]) -> None:
    fails_at.update({0, 2})
    records = list(train(settings("trainer.epochs=1"), tmp_path / "run"))
    assert [record.step for record in records if isinstance(record, SkippedStep)] == [1, 3]
    last = records[-1]
    assert isinstance(last, Finished)
    assert last.skipped == 2
    state = load_state(tmp_path / "run" / "state.safetensors")
    assert all(tensor.isfinite().all() for part in state.tensors.values() for tensor in part.values())
    assert state.tensors["step"]["output.bias"].item() == last.step - 2


def test_many_skipped_steps_in_a_row_stop_the_run(settings: Any, tmp_path: Path, fails_at: set[int]) -> None:
    fails_at.update(range(3, 9))
    with pytest.raises(TrainingError, match=r"not finite in 4 steps in a row, up to step 7; lower optim\.lr"):
        list(train(settings("trainer.max_skipped=4"), tmp_path / "run"))


def test_a_batch_too_large_for_memory_is_reported(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TrainStep, "_loss", full)
    with pytest.raises(TrainingError, match=r"16 s of audio does not fit .* lower trainer\.batch_seconds"):
        list(train(settings(), tmp_path / "run"))


@pytest.mark.gpu
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_training_on_a_gpu_in_half_precision_converges(cell: str, settings: Any, tmp_path: Path) -> None:
    config = settings(*ALL_AUGMENTATION[:4], "trainer.device=cuda", "trainer.precision=bf16", f"model.cell={cell}")
    records = list(train(config, tmp_path / "run"))
    assert [record.cer < 0.1 for record in records if isinstance(record, ValidationReport)][-1]
    assert not any(isinstance(record, SkippedStep) for record in records)


def test_a_run_ended_by_the_time_limit_can_resume(settings: Any, tmp_path: Path) -> None:
    config = settings("trainer.epochs=1")
    records = list(train(config, tmp_path / "run", max_minutes=0))
    assert isinstance(records[-1], Finished)
    assert records[-1].reason == "time"
    records = list(train(config, tmp_path / "run", resume=True))
    assert isinstance(records[-1], Finished)
    assert records[-1].reason == "done"


def test_training_from_moved_caches(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings("trainer.epochs=1")
    prepared = list(train(config, tmp_path / "run", prepare_only=True))
    assert all(isinstance(record, Decoding | Notice) for record in prepared)
    caches = {path.name.split("-")[0]: path for path in (tmp_path / "cache").iterdir()}
    monkeypatch.setitem(__import__("sys").modules, "audiosearch.audio.reader", None)  # importing it fails
    carried = settings("trainer.epochs=1", f"data.train=[{caches['train']}]", f"data.valid=[{caches['valid']}]")
    list(train(carried, tmp_path / "carried"))
    list(train(config, tmp_path / "run"))
    assert load_model(tmp_path / "carried").network.state_dict().keys()
    original, moved = (load_state(tmp_path / name / "state.safetensors") for name in ("run", "carried"))
    assert torch.equal(original.tensors["weights"]["output.weight"], moved.tensors["weights"]["output.weight"])


def test_fine_tuning_starts_from_the_weights_of_a_model(settings: Any, tmp_path: Path) -> None:
    list(train(settings("trainer.epochs=1"), tmp_path / "base"))
    config = settings("trainer.epochs=1", "optim.lr=1e-9", "model.dropout=0.5")
    list(train(config, tmp_path / "tuned", init=tmp_path / "base"))
    base, tuned = load_model(tmp_path / "base").network, load_model(tmp_path / "tuned").network
    torch.testing.assert_close(base.output.weight, tuned.output.weight, rtol=0, atol=1e-6)
    with pytest.raises(ModelError, match="its model differs from the settings"):
        list(train(settings("model.hidden=32"), tmp_path / "other", init=tmp_path / "base"))


def test_missing_recordings_are_left_out_unless_all_are(
    settings: Any, tone_corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    rows = [json.loads(line) for line in tone_corpora[0].read_text().splitlines()]
    rows = [{**row, "audio": str(tone_corpora[0].parent / row["audio"])} for row in rows]
    manifest = tmp_path / "incomplete.jsonl"
    rows[3]["audio"] = "gone.wav"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    records = list(train(settings(f"data.train=[{manifest}]", "trainer.epochs=1"), tmp_path / "run"))
    assert "gone.wav: there is no such file" in next(iter(r.examples[0] for r in records if hasattr(r, "examples")))
    assert isinstance(records[-1], Finished)
    manifest.write_text(json.dumps(rows[3]))
    with pytest.raises(ManifestError, match=r"none of its 1 recordings exists \(the first is .*gone\.wav\)"):
        list(train(settings(f"data.train=[{manifest}]"), tmp_path / "none"))


def test_invalid_settings_are_reported_before_decoding(
    settings: Any, tmp_path: Path, tone_corpora: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: Config, match: str, kind: type[AudioSearchError], **arguments: Any) -> None:
        with pytest.raises(kind, match=match):
            list(train(config, tmp_path / "run", **arguments))
        assert not (tmp_path / "cache").exists()

    refuse(settings("data.train=[]"), "audiosearch manifest --download librispeech:train-clean-100", TrainingError)
    refuse(settings("data.train=[nowhere.jsonl]"), r"nowhere\.jsonl: cannot be read", ManifestError)
    folder = tone_corpora[0].parent
    refuse(settings(f"data.valid=[{folder}]"), "is a folder; give a manifest", ManifestError)
    refuse(settings(f"augment.rooms=[{tmp_path}]"), "contains no recordings", ManifestError)
    refuse(settings("augment.noise=[nowhere]"), "no such folder", ManifestError)
    refuse(settings(), "there is no run to resume", ModelError, resume=True)
    refuse(settings(), "no such file|cannot be read", ModelError, init=tmp_path / "no.safetensors")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refuse(settings("trainer.device=cuda"), "finds no GPU", TrainingError)
    (tmp_path / "run").write_text("a file where the folder should be")
    refuse(settings(), "cannot be created", TrainingError)


def test_a_run_is_neither_overwritten_nor_resumed_with_other_data_or_network(settings: Any, tmp_path: Path) -> None:
    list(train(settings("trainer.epochs=1"), tmp_path / "run", max_minutes=0))
    with pytest.raises(TrainingError, match="contains a run already; resume it with --resume"):
        list(train(settings(), tmp_path / "run"))
    with pytest.raises(ModelError, match="other settings of features or model"):
        list(train(settings("model.hidden=32"), tmp_path / "run", resume=True))
    with pytest.raises(TrainingError, match="utterances are not those it was trained on"):
        list(train(settings("data.max_seconds=1"), tmp_path / "run", resume=True))
    records = list(train(settings("trainer.epochs=1", "optim.lr=1e-3"), tmp_path / "run", resume=True))
    assert Notice("The run continues with optim.lr = 0.001; it was 0.02.") in records
    state = tmp_path / "run" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(ModelError, match="is not a model file, or it is damaged"):
        list(train(settings("trainer.epochs=1"), tmp_path / "run", resume=True))
