"""WAV streams of exactly the announced size, for recordings that are shorter or longer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiosearch.audio import wav_stream


@pytest.mark.parametrize("announced", [0.5, 1.0, 1.7, 12.0])
def test_the_file_has_the_announced_size(tmp_path: Path, announced: float) -> None:
    soundfile.write(tmp_path / "a.ogg", 0.5 * np.sin(np.arange(8000) / 5), 8000)
    made = b"".join(wav_stream.encode(tmp_path / "a.ogg", announced))
    assert len(made) == wav_stream.file_size(announced)
    (tmp_path / "made.wav").write_bytes(made)
    samples, rate = soundfile.read(tmp_path / "made.wav")
    assert (len(samples), rate) == (round(announced * wav_stream.RATE), wav_stream.RATE)
    assert np.abs(samples[: rate // 2]).max() == pytest.approx(0.5, abs=0.05)
    if announced > 1:
        assert np.abs(samples[rate + 1000 :]).max() == 0
