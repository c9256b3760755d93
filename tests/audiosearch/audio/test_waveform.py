"""Peaks of recordings, and their columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiosearch.audio.waveform import PER_SECOND, Peaks, compute_peaks, resample_peaks
from audiosearch.errors import AudioError


def test_peaks_at_known_times(tmp_path: Path) -> None:
    rate = 16000
    samples = np.zeros(61 * rate + 123)  # longer than a block
    time = np.arange(rate) / rate
    samples[40 * rate : 41 * rate] = 0.5 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "a.wav", samples, rate)
    peaks = compute_peaks(tmp_path / "a.wav")
    assert len(peaks) == len(peaks.effective) == 61 * PER_SECOND + 1
    highest, effective = (np.frombuffer(values, np.uint8) for values in (peaks.highest, peaks.effective))
    inside = slice(40 * PER_SECOND + 1, 41 * PER_SECOND - 1)
    assert highest[inside] == pytest.approx(np.full(PER_SECOND - 2, 127.5), abs=2)
    assert effective[inside] == pytest.approx(np.full(PER_SECOND - 2, 127.5 / 2**0.5), abs=2)
    assert highest[: 40 * PER_SECOND - 1].max() == 0
    assert highest[41 * PER_SECOND + 1 :].max() == 0


def test_clipped_samples_are_full_scale(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(8000, 7.0), 8000, subtype="FLOAT")
    assert set(compute_peaks(tmp_path / "a.wav").highest) == {255}


def test_columns_take_the_maximum_of_their_intervals() -> None:
    peaks = Peaks(bytes(range(100)), bytes(100))  # five seconds
    assert list(resample_peaks(peaks, 5, 0, 5).highest) == [19, 39, 59, 79, 99]
    assert list(resample_peaks(peaks, 4, 1, 1.2).highest) == [20, 21, 22, 23]
    assert list(resample_peaks(peaks, 4, 1, 1.1).highest) == [20, 20, 21, 21], "narrower than an interval"
    assert list(resample_peaks(peaks, 2, 4, 6).highest) == [99, 0], "after the end"


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"a\.wav"):
        compute_peaks(tmp_path / "a.wav")
