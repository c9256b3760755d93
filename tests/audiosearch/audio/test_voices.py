"""Channels with voices of their own, told from ordinary stereo sound, and cross-talk between them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiosearch.audio import reader
from audiosearch.audio.channels.crosstalk import without_crosstalk
from audiosearch.audio.channels.selection import voice_channels
from audiosearch.audio.channels.voices import SPAN, places, separate_voices
from audiosearch.audio.samples import Piece, Samples
from audiosearch.errors import AudioError
from audiosearch.types import ALL_SOUND, SoundSelection

RATE = 16_000
TURN = 3 * RATE
EXAMPLES = Path(__file__).parents[3] / "examples" / "podcasts"
GENERATOR = np.random.default_rng(3)


def episode(name: str) -> Samples:
    samples = reader.read(EXAMPLES / f"{name}.opus", RATE)[4 * RATE : 34 * RATE]
    return np.asarray(0.08 / np.sqrt(np.square(samples).mean()) * samples, np.float32)


@pytest.fixture(scope="module")
def speakers() -> tuple[Samples, Samples]:
    return episode("bread"), episode("night-train")


@pytest.fixture(scope="module")
def turns(speakers: tuple[Samples, Samples]) -> tuple[Samples, Samples]:
    """Two speakers, each silent while the other speaks."""
    first, second = speakers
    number = np.arange(len(first)) // TURN
    return np.where(number % 2 == 0, first, 0).astype(np.float32), np.where(number % 2, second, 0).astype(np.float32)


def noise(length: int, level: float = 1e-3) -> Samples:
    return GENERATOR.normal(0, level, length).astype(np.float32)


def music(seconds: int) -> tuple[Samples, Samples]:
    """Notes at random places between left and right."""
    left, right = np.zeros(seconds * RATE), np.zeros(seconds * RATE)
    times = np.arange(RATE // 2) / RATE
    for start in range(0, (seconds - 1) * RATE, RATE // 4):
        for pitch in 110 * 2 ** (GENERATOR.integers(0, 36, size=3) / 12):
            note = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 6)) * np.exp(-6 * times)
            angle = GENERATOR.uniform(0, np.pi / 2)
            left[start : start + len(note)] += np.cos(angle) * note
            right[start : start + len(note)] += np.sin(angle) * note
    return (0.05 * left).astype(np.float32), (0.05 * right).astype(np.float32)


def chosen(*channels: Samples) -> tuple[int, ...]:
    samples = np.stack(channels)
    starts = [round(start * RATE) for start in places(samples.shape[1] / RATE)]
    return separate_voices(Piece(RATE, samples[:, start : start + round(SPAN * RATE)]) for start in starts)


def isolated(*channels: Samples) -> Samples:
    def pieces() -> Iterator[Piece]:
        for first in range(0, channels[0].size, 50_000):
            yield Piece(RATE, np.stack([channel[first : first + 50_000] for channel in channels]))

    parts = [piece.samples for piece in without_crosstalk(pieces(), range(len(channels)))]
    return np.concatenate(parts, axis=1)


def delayed(samples: Samples, seconds: float) -> Samples:
    count = round(seconds * RATE)
    return np.concatenate([np.zeros(count, np.float32), samples])[: len(samples)]


def energy(samples: Samples) -> float:
    return float(np.square(samples, dtype=np.float64).sum())


@pytest.mark.parametrize("leak", [0.0, 0.03, 0.1, 0.25])
def test_speakers_in_turns_are_voices_also_with_crosstalk(leak: float, turns: tuple[Samples, Samples]) -> None:
    a, b = turns
    gain = np.float32(leak)
    assert chosen(a + gain * b + noise(len(a)), b + gain * a + noise(len(a))) == (0, 1)


def test_speakers_who_talk_at_once_are_voices(speakers: tuple[Samples, Samples]) -> None:
    assert chosen(*speakers) == (0, 1)
    assert chosen(speakers[0], np.float32(0.2) * speakers[1]) == (0, 1)


def test_speakers_after_common_music_are_voices(turns: tuple[Samples, Samples]) -> None:
    theme = music(8)[0]
    assert chosen(*(np.concatenate([theme, voice]) for voice in turns)) == (0, 1)


def test_microphones_without_speech_copies_and_mixes_are_no_voices(turns: tuple[Samples, Samples]) -> None:
    a, b = turns
    silence = noise(len(a))
    assert chosen(a, silence, b) == (0, 2)
    assert chosen(a, a, b, b) == (0, 2)
    assert chosen(a + b, a + b, a, b) == (2, 3)


@pytest.mark.parametrize(
    "kind",
    ["equal", "opposite", "panned", "delayed", "noisy", "silent", "noise", "tone", "music", "wide music", "side"],
)
def test_ordinary_stereo_is_one_signal(kind: str, turns: tuple[Samples, Samples]) -> None:
    a, b = turns
    both = a + b
    left, right = (np.resize(part, len(both)) for part in music(20))
    other = {
        "equal": (both, both),
        "opposite": (both, -both),
        "panned": (a + b / 2, a / 2 + b),
        "delayed": (both, delayed(both, 0.002)),
        "noisy": (both + noise(len(both), 0.01), both + noise(len(both), 0.01)),
        "silent": (both, np.zeros_like(both)),
        "noise": (both, noise(len(both), 0.05)),
        "tone": (both, np.sin(np.arange(len(both)) * 0.4).astype(np.float32)),
        "music": (left, right),
        "wide music": (both + left / 2, both + right / 2),
        "side": (both, np.float32(0.3) * (a - b)),
    }[kind]
    assert chosen(*other) == ()
    assert chosen(both) == ()


def test_surround_sound_is_one_signal(turns: tuple[Samples, Samples]) -> None:
    a, b = turns
    bass = np.sin(np.arange(len(a)) * 2 * np.pi * 50 / RATE).astype(np.float32)
    assert chosen(a, b, a + b, bass, a, b) == ()


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("leak", [0.05, 0.2])
def test_a_leaking_voice_is_muted(leak: float, delay: float, turns: tuple[Samples, Samples]) -> None:
    a, b = turns
    gain = np.float32(leak)
    result = isolated(a + gain * delayed(b, delay), b + gain * delayed(a, delay))
    for channel, own, other in zip(result, (a, b), (b, a), strict=True):
        assert energy(channel[other != 0]) < 0.15 * gain**2 * energy(other)
        assert energy(channel[own != 0]) > 0.97 * energy(own)


def test_voices_without_crosstalk_pass(speakers: tuple[Samples, Samples]) -> None:
    for channel, own in zip(isolated(*speakers), speakers, strict=True):
        assert energy(channel) > 0.995 * energy(own)


def test_sound_of_both_channels_stays_in_the_first(turns: tuple[Samples, Samples]) -> None:
    both = turns[0] + turns[1]
    result = isolated(both, both)
    np.testing.assert_array_equal(result[0], both)
    assert energy(result[1]) < 0.1 * energy(both)


def test_samples_that_are_no_numbers_do_no_harm(speakers: tuple[Samples, Samples], tmp_path: Path) -> None:
    a, b = (voice[: 12 * RATE].copy() for voice in speakers)
    a[1000], b[2000] = np.nan, np.inf
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack([a, b], axis=1), RATE, subtype="FLOAT")
    assert list(voice_channels(path, ALL_SOUND)) == [0, 1]
    blocks = list(reader.read_voices(path, RATE, (0, 1), 5.0))
    assert [block.shape for block in blocks] == [(2, 5 * RATE), (2, 5 * RATE), (2, 2 * RATE)]
    assert np.isfinite(np.concatenate(blocks, axis=1)).all()


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_a_recording_says_its_voices(
    suffix: str, turns: tuple[Samples, Samples], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"call.{suffix}"
    soundfile.write(path, np.stack(turns, axis=1), RATE)
    with caplog.at_level(logging.WARNING):
        assert voice_channels(path, ALL_SOUND) == {0: "left", 1: "right"}
    assert "recognized one by one: left, right" in caplog.text
    voices = np.concatenate(list(reader.read_voices(path, 8000, (1, 0))), axis=1)
    assert voices.shape[0] == 2
    for voice, turn in zip(voices, turns[::-1], strict=True):
        expected = reader.convert(reader.Sound(RATE, turn[None]), 8000, 1).samples[0]
        assert np.corrcoef(voice[: len(expected)], expected)[0, 1] > 0.95


def test_channels_are_chosen(turns: tuple[Samples, Samples], tmp_path: Path) -> None:
    path, one = tmp_path / "talk.wav", tmp_path / "one.wav"
    both = turns[0] + turns[1]
    soundfile.write(path, np.stack([both, both, both], axis=1), RATE)
    soundfile.write(one, both, RATE)
    assert voice_channels(path, ALL_SOUND) == {}
    assert voice_channels(path, SoundSelection("mix")) == {}
    assert voice_channels(path, SoundSelection("split")) == {0: "channel 1", 1: "channel 2", 2: "channel 3"}
    assert voice_channels(path, SoundSelection("3")) == {2: None}
    assert voice_channels(one, SoundSelection("split")) == voice_channels(one, SoundSelection("1")) == {}
    with pytest.raises(AudioError, match=r"talk\.wav: has 3 channels, and no channel 4"):
        voice_channels(path, SoundSelection("4"))
    with pytest.raises(AudioError, match="has one channel, and no channel 2"):
        voice_channels(one, SoundSelection("2"))


def test_places_cover_a_recording() -> None:
    assert places(3.0) == [0.0]
    assert places(12.0) == [0.0, 7.0]
    many = places(3600.0)
    assert len(many) == 24
    assert sorted(many)[0] == 0.0
    assert max(many) == 3595.0
    assert min(many[:6]) < 600
    assert max(many[:6]) > 3000


def test_labels_of_selections_are_read_back() -> None:
    for selection in (ALL_SOUND, SoundSelection("split"), SoundSelection("2", 3), SoundSelection(track=2)):
        assert SoundSelection.of_label(f"0123456789abcdef {selection.label}") == selection
    assert ALL_SOUND.label == ""
