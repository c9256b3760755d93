"""Packed emissions: accuracy, size, and damaged data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.spotting.posteriorgram import LEVELS, MAX_LOSS, OMITTED_LOSS, pack, pack_in_pieces, unpack
from audiosearch.types import Emissions, PackedEmissions


def random_emissions(frames: int, labels: int = 29, seed: int = 1) -> Emissions:
    """Emissions with clear and unclear frames and a long pause."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((frames, labels)).astype(np.float32) * 2
    logits[np.arange(frames), rng.integers(0, labels, frames)] += rng.uniform(0, 10, frames)
    logits[frames // 4 : frames // 2, 0] += 20
    return Emissions(_normalized(logits), 0.03, 1.5)


def _normalized(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    normal: NDArray[np.float32] = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
    return normal


@pytest.mark.parametrize(("frames", "labels"), [(0, 29), (1, 29), (4, 2), (700, 29), (300, 40)])
def test_losses_are_accurate_to_half_a_step(frames: int, labels: int) -> None:
    emissions = random_emissions(frames, labels)
    packed = pack(emissions)
    again = unpack(packed, labels)
    assert (again.start, again.frame_duration, len(again)) == (1.5, 0.03, frames)
    assert np.allclose(np.exp(again.log_probs).sum(1), 1, atol=1e-5)
    before, after = (item.log_probs.max(1, keepdims=True) - item.log_probs for item in (emissions, again))
    assert (before.argmin(1) == after.argmin(1)).all()
    kept = (after > 0) & (after < MAX_LOSS)
    assert (np.abs(before - after)[kept] <= MAX_LOSS / LEVELS / 2 + 1e-4).all()
    assert np.allclose(after[(before >= MAX_LOSS + 0.01)], OMITTED_LOSS, atol=1e-3)


def test_silence_takes_few_bytes() -> None:
    log_probs = np.full((100_000, 29), -23.0, np.float32)
    log_probs[:, 0] = 0.0
    packed = pack(Emissions(log_probs, 0.03))
    assert len(packed.data) < 1000
    assert len(unpack(packed, 29)) == 100_000


def test_pieces_hold_every_frame_once() -> None:
    emissions = random_emissions(1000)
    pieces = list(pack_in_pieces(emissions))
    assert len(pieces) == 6
    assert all(120 < piece.frames < 215 for piece in pieces)
    joined = np.concatenate([unpack(piece, 29).log_probs for piece in pieces])
    assert np.array_equal(joined, unpack(pack(emissions), 29).log_probs)
    ends = [piece.start + piece.frames * piece.frame_duration for piece in pieces]
    assert np.allclose([piece.start for piece in pieces[1:]], ends[:-1])


@pytest.mark.parametrize("data", [b"", b"\3\0\0\0\0", b"\1\5\0\0\0\x08", b"\1\1\0\0\0\x09\x10\x10"])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="packed emissions"):
        unpack(PackedEmissions(0.0, 0.03, 1, data), 29)
