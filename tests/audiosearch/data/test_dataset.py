from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from audiosearch.alphabet import Alphabet
from audiosearch.config import AugmentConfig, DataConfig
from audiosearch.data.augment import draw
from audiosearch.data.dataset import Collator, Dataset, Recordings, frames_needed, select
from audiosearch.data.pcm_cache import PcmCache, Source, build_cache

RATE = 16000


def recordings(folder: Path, texts_and_samples: list[tuple[str, int]]) -> Recordings:
    """Cached recordings; all samples of the n-th, from 1, are n."""
    folder.mkdir()
    sources = []
    for number, (text, _) in enumerate(texts_and_samples):
        path = folder / f"{number}.raw"
        path.touch()
        sources.append(Source(path, text, None, f"u{number}"))

    def read(path: Path, sample_rate: int) -> NDArray[np.float32]:
        number = int(path.stem)
        return np.full(texts_and_samples[number][1], (number + 1) / 32767, dtype=np.float32)

    list(build_cache(folder / "cache", RATE, "some", sources, read))
    return Recordings([PcmCache(folder / "cache", RATE)])


def test_frames_needed_agrees_with_ctc_loss() -> None:
    assert frames_needed("hello") == 6
    assert frames_needed("") == 0
    for frames, finite in ((5, False), (6, True)):
        log_probs = torch.zeros(frames, 1, 29).log_softmax(2)
        labels = torch.tensor([Alphabet().encode("hello")])
        loss = nn.functional.ctc_loss(log_probs, labels, torch.tensor([frames]), torch.tensor([5]), reduction="sum")
        assert bool(loss.isfinite()) == finite


def test_unusable_utterances_are_left_out_with_a_reason(tmp_path: Path) -> None:
    cached = recordings(
        tmp_path / "a",
        [
            ("fits", 16000),
            ("hello", 160 * 6),  # 6 frames, needs 6, but not when played faster
            ("hello", 160 * 7),
            ("short", 100),
            ("long", 16000 * 3),
            ("naïve", 16000),
            ("empty", 0),
        ],
    )
    config = DataConfig(min_seconds=0.05, max_seconds=2)

    def frames(samples: torch.Tensor) -> torch.Tensor:
        return samples // 160

    dataset, left_out = select("training", cached, Alphabet(), config, RATE, frames, fastest=1.1)
    assert dataset.texts == ("fits", "hello")
    assert dataset.samples.tolist() == [16000, 160 * 7]
    assert {record.reason.split(" ")[0]: record.examples for record in left_out} == {
        "shorter": ("u3",),
        "longer": ("u4",),
        "with": ("u5",),
        "too": ("u1",),
    }
    dataset, _ = select("training", cached, Alphabet(), config, RATE, frames, fastest=1.0)
    assert len(dataset) == 3
    assert dataset.fingerprint != select("training", cached, Alphabet(), config, RATE, frames, 1.1)[0].fingerprint


@pytest.fixture
def collate(tmp_path: Path) -> Collator:
    speech = recordings(tmp_path / "speech", [("a", 3000), ("bb", 5000), ("", 2000)])
    noises = recordings(tmp_path / "noises", [("", 700), ("", 50000)])
    rooms = recordings(tmp_path / "rooms", [("", 400)])
    return Collator(Dataset(speech, [0, 1, 2], Alphabet()), noises, rooms, RATE, seed=1)


def test_a_batch_contains_its_utterances_and_the_sounds_to_mix_in(collate: Collator) -> None:
    config = AugmentConfig(noise_probability=1, room_probability=1, silence_probability=1)
    draws = draw(collate.dataset.samples, config, RATE, 1, 0, noises=2, rooms=1)
    batch = collate(np.array([2, 1]), draws, epoch=0)
    assert batch.sound.speech[0].tolist() == [3] * 2000 + [0] * 3000
    assert batch.sound.speech[1].tolist() == [2] * 5000
    assert batch.labels.tolist() == [2, 2]
    assert batch.label_lengths.tolist() == [0, 2]
    assert batch.step_labels == 2
    for row, utterance in enumerate((2, 1)):
        length = int(draws.lengths[utterance])
        noise = batch.sound.noise[row]
        assert set(noise[:length].tolist()) == {int(draws.noise[utterance]) + 1}
        assert not noise[length:].any()
        assert batch.sound.quiet[row, :length].float().std() == pytest.approx(4096, rel=0.1)
        assert batch.sound.rooms[row].tolist() == [1] * 400 + [0] * 15600
    again = collate(np.array([2, 1]), draws, epoch=0)
    assert torch.equal(batch.sound.quiet, again.sound.quiet)
    assert not torch.equal(batch.sound.quiet, collate(np.array([2, 1]), draws, epoch=1).sound.quiet)


def test_processes_share_a_step(collate: Collator) -> None:
    draws = draw(collate.dataset.samples, AugmentConfig(), RATE, 1, 0, 0, 0)
    step = np.array([0, 1])
    batches = [collate(step, draws, 0, process, 3) for process in range(3)]
    assert [batch.utterances.tolist() for batch in batches] == [[0], [1], [0]]
    assert [batch.counts for batch in batches] == [True, True, False]
    assert {batch.step_labels for batch in batches} == {3}
    assert batches[2].samples == 0
