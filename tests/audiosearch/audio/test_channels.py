"""Weights of channels by their content, with synthesized sound in the other channel."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiosearch.audio import reader
from audiosearch.audio.channels.mixing import mixed
from audiosearch.audio.samples import Piece, Samples, mix_down

RATE = 16_000
SECONDS = 12
SPEECH_FILE = Path(__file__).parents[3] / "examples" / "podcasts" / "bread.opus"
OTHER_FILE = SPEECH_FILE.with_name("night-train.opus")


def beginning(path: Path) -> Samples:
    return reader.read(path, RATE)[: RATE * SECONDS]


@pytest.fixture(scope="module")
def speech() -> Samples:
    return beginning(SPEECH_FILE)


def disturbance(kind: str) -> Samples:
    """Sound without speech, as loud as the podcasts' speech about."""
    generator = np.random.default_rng(1)
    count = RATE * SECONDS
    times = np.arange(count) / RATE
    if kind == "white noise":
        sound = generator.normal(size=count)
    elif kind == "pink noise":
        spectrum = np.fft.rfft(generator.normal(size=count)) / np.sqrt(np.arange(count // 2 + 1) + 1)
        sound = np.fft.irfft(spectrum, count)
    elif kind == "tone":
        sound = np.sin(2 * np.pi * 1000 * times)
    elif kind == "hum":
        sound = np.sum([np.sin(2 * np.pi * 50 * k * times) / k for k in range(1, 8)], axis=0)
    elif kind == "time code":  # biphase: the level changes at each bit, and within those that are 1
        bits = generator.integers(0, 2, size=2000 * SECONDS)
        changes = np.stack([np.ones_like(bits), bits], axis=1).ravel()
        sound = (-1.0) ** np.cumsum(changes)[(times * 4000).astype(int)]
    else:
        sound = np.zeros(count)
    level = max(float(np.sqrt(np.square(sound).mean())), 1e-9)
    return np.asarray(0.1 * sound / level, np.float32)


def heard(*channels: Samples) -> Samples:
    def pieces() -> Iterator[Piece]:
        for first in range(0, channels[0].size, 10_000):
            yield Piece(RATE, np.stack([channel[first : first + 10_000] for channel in channels]))

    return np.concatenate([piece.samples for piece in mixed(Path("talk.wav"), pieces())])


@pytest.mark.parametrize("level", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("kind", ["white noise", "pink noise", "tone", "hum", "time code"])
def test_speech_is_kept_alone_beside_a_channel_without_speech(kind: str, level: float, speech: Samples) -> None:
    other = np.float32(level) * disturbance(kind)
    np.testing.assert_array_equal(heard(speech, other), speech)
    np.testing.assert_array_equal(heard(other, speech), speech)


def test_speech_beside_silence_is_kept(speech: Samples) -> None:
    silence = np.zeros_like(speech)
    for result in (heard(speech, silence), heard(silence, speech)):
        np.testing.assert_array_equal(result, speech / 2)


def test_channels_of_opposite_phase_do_not_cancel(speech: Samples, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        np.testing.assert_allclose(heard(speech, -speech), speech, atol=1e-6)
    assert "right inverted" in caplog.text
    faint = heard(speech, np.float32(-0.5) * speech)
    assert np.corrcoef(faint, speech)[0, 1] > 0.99


def test_the_copy_of_speech_without_a_tone_is_kept(speech: Samples) -> None:
    np.testing.assert_array_equal(heard(speech, speech + disturbance("tone")), speech)


def test_the_center_of_surround_sound_is_kept_if_it_has_speech(speech: Samples) -> None:
    music = disturbance("pink noise")
    other = np.roll(music, 777)
    np.testing.assert_array_equal(heard(music, other, speech, disturbance(""), music, other), speech)


@pytest.mark.parametrize("second", ["equal", "panned", "delayed", "another speaker", "noise in both"])
def test_ordinary_channels_are_averaged_exactly(second: str, speech: Samples, caplog: pytest.LogCaptureFixture) -> None:
    first = speech
    match second:
        case "equal":
            other = speech
        case "panned":
            other = np.float32(0.3) * speech
        case "delayed":
            other = np.roll(speech, 40)
        case "another speaker":
            other = beginning(OTHER_FILE)
        case _:
            first, other = disturbance("white noise"), disturbance("pink noise")
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(heard(first, other), mix_down(np.stack([first, other])))
    assert not caplog.text


def test_one_channel_passes_unchanged(speech: Samples) -> None:
    np.testing.assert_array_equal(heard(speech), speech)


def test_a_number_that_is_none_in_the_other_channel_does_no_harm(speech: Samples) -> None:
    noise = disturbance("white noise")
    noise[1000] = np.nan
    np.testing.assert_array_equal(heard(speech, noise), speech)


def test_noise_that_begins_later_is_left_out_from_then_on(speech: Samples) -> None:
    other = speech.copy()
    half = RATE * SECONDS // 2
    other[half:] = disturbance("white noise")[half:]
    result = heard(speech, other)
    np.testing.assert_array_equal(result[: RATE * 4], speech[: RATE * 4])
    assert np.abs(result[-RATE:] - speech[-RATE:]).max() == 0


def test_files_are_read_with_chosen_channels(speech: Samples, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for suffix in ("wav", "mp3"):
        path = tmp_path / f"talk.{suffix}"
        soundfile.write(path, np.stack([disturbance("white noise"), speech], axis=1), RATE)
        with caplog.at_level(logging.WARNING):
            result = reader.read(path, RATE)
        assert np.corrcoef(result[: speech.size], speech)[0, 1] > 0.9
        assert "right alone for 12 s" in caplog.text
        caplog.clear()


def test_a_few_words_in_a_noisy_channel_are_kept(speech: Samples) -> None:
    other = np.float32(0.05) * disturbance("pink noise")
    second = beginning(OTHER_FILE)
    other[RATE * 4 : RATE * 5] += second[RATE * 4 : RATE * 5]
    result = heard(speech, other)[RATE * 4 : RATE * 5]
    np.testing.assert_array_equal(result, (speech + other)[RATE * 4 : RATE * 5] / 2)
