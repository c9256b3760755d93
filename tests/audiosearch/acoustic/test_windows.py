from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.acoustic.windows import Stitcher, WindowGrid, blank_log_probs, find_seam, is_silent
from audiosearch.config import FeaturesConfig, ModelConfig, WindowConfig

GRID = WindowGrid(unit=4, size=20, overlap=8, rate=100)
BLANK, SPACE, LABELS = 0, 3, 4


def rows(labels: list[int], sure: float = 0.97) -> NDArray[np.float32]:
    """Log-probabilities with most of the mass on these labels."""
    probabilities = np.full((len(labels), LABELS), (1 - sure) / (LABELS - 1), np.float32)
    probabilities[np.arange(len(labels)), labels] = sure
    return np.log(probabilities)


def pointwise(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Output of a network that sees one frame at a time: the first sample of a frame is its label."""
    return rows([int(label) for label in samples[:: GRID.unit]])


def test_the_grid_is_rounded_to_whole_emission_frames() -> None:
    grid = WindowGrid.of(WindowConfig(seconds=24, overlap_seconds=4), FeaturesConfig(), ModelConfig(conv_stride=3))
    assert grid == WindowGrid(unit=480, size=800, overlap=133, rate=16000)
    assert [grid.frames(samples) for samples in (0, 1, 480, 481)] == [0, 1, 1, 2]


@pytest.mark.parametrize("block", [1, 7, 79, 1000])
@pytest.mark.parametrize("samples", [0, 1, 79, 80, 81, 128, 129, 500])
def test_windows_do_not_depend_on_the_blocks(samples: int, block: int) -> None:
    recording = np.arange(samples, dtype=np.float32)
    windows = list(GRID.cut(recording[start : start + block] for start in range(0, samples, block)))
    size, step = GRID.size * GRID.unit, GRID.step * GRID.unit
    for number, window in enumerate(windows):
        np.testing.assert_array_equal(window, recording[number * step : number * step + size])
    assert len(windows) == (0 if samples == 0 else 1 + max(0, -(-(samples - size) // step)))
    if len(windows) > 1:
        assert len(windows[-1]) > GRID.overlap * GRID.unit


@pytest.mark.parametrize("frames", [1, 20, 21, 32, 33, 100, 333])
def test_stitched_windows_equal_one_pass(frames: int) -> None:
    """The outermost frames of each window are wrong, as in a network without context there."""
    rng = np.random.default_rng(frames)
    labels = np.where(rng.random(frames) < 0.3, rng.integers(1, LABELS, frames), BLANK)
    samples = np.repeat(labels, GRID.unit).astype(np.float32)[: frames * GRID.unit - 2]
    stitcher = Stitcher(GRID, BLANK, SPACE)
    windows = [pointwise(window) for window in GRID.cut([samples])]
    for number, window in enumerate(windows):
        if number > 0:
            window[:2] = rows([1, 2])
        if number < len(windows) - 1:
            window[-2:] = rows([2, 1])
    parts = [stitcher.add(window) for window in windows]
    rest = stitcher.finish()
    assert rest is not None
    np.testing.assert_array_equal(np.concatenate([*parts, rest]), pointwise(samples))
    assert stitcher.finish() is None


def test_seam_lies_in_the_middle_of_the_pause_near_the_middle() -> None:
    left = rows([1, 0, 2, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 1, 2])
    assert 9 <= find_seam(left, left, BLANK, SPACE, around=2) <= 11
    assert find_seam(rows([0] * 20), rows([0] * 20), BLANK, SPACE, around=2) == 10


@pytest.mark.parametrize(("left_space", "right_space"), [(8, 22), (22, 8)])
def test_a_space_at_different_frames_of_two_windows_is_kept_once(left_space: int, right_space: int) -> None:
    left, right = (
        rows([1 if n in (2, 28) else SPACE if n == at else 0 for n in range(30)]) for at in (left_space, right_space)
    )
    seam = find_seam(left, right, BLANK, SPACE, around=3)
    stitched = np.concatenate([left[:seam], right[seam:]]).argmax(1)
    assert [label for label in stitched if label] == [1, SPACE, 1]


def test_silent_windows_are_blank_with_near_certainty() -> None:
    log_probs = blank_log_probs(5, LABELS, BLANK)
    np.testing.assert_allclose(np.exp(log_probs.astype(np.float64)).sum(1), 1, atol=1e-6)
    assert (log_probs.argmax(1) == BLANK).all()
    assert np.isfinite(log_probs).all()
    assert is_silent(np.array([0.0, 9e-4, -9e-4], np.float32), -60)
    assert not is_silent(np.array([0.0, 9e-4, -2e-3], np.float32), -60)
