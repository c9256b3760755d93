from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
import torch

from audiosearch.acoustic.checkpoint import load_model, save_model
from audiosearch.acoustic.inference import Inference
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config, WindowConfig
from audiosearch.decoding.decoder import DecodedSegment, SegmentDecoder
from audiosearch.errors import AudioError, ConfigError, ModelError
from audiosearch.model_folder import save_calibration
from audiosearch.recognizer import Recognized, Recognizer, Unreadable, clip_words
from audiosearch.spotting.posteriorgram import unpack
from audiosearch.types import Alternative, Emissions, Transcript, Word

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler

SHORT = WindowConfig(seconds=3, overlap_seconds=1, batch=3, max_decode_seconds=6)
TEXT = "i am a human _saying human things"


def long_text(characters: int) -> str:
    rng = np.random.default_rng(7)
    letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz   "), characters)
    words = "".join(letters).split()
    return "".join(word + rng.choice([" ", " _", " __"], p=[0.85, 0.1, 0.05]) for word in words).strip(" _")


def spoken(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


@pytest.fixture
def short(whistle_model: Path) -> Iterator[Recognizer]:
    """Recognizes in windows of 3 s, three of them in a batch."""
    with Recognizer(load_model(whistle_model), window=SHORT) as recognizer:
        yield recognizer


@pytest.fixture
def whole(whistle_model: Path) -> Iterator[Recognizer]:
    """Recognizes in one pass."""
    window = WindowConfig(seconds=1000, overlap_seconds=0, max_decode_seconds=1000)
    with Recognizer(load_model(whistle_model), window=window) as recognizer:
        yield recognizer


def test_short_recording_is_recognized_in_one_pass(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", TEXT)
    model = load_model(whistle_model)
    with Recognizer.load(whistle_model) as recognizer:
        (emissions,) = recognizer.emissions(path)
        transcript = recognizer.transcribe(path)
    samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0])[None]
    with torch.inference_mode():
        features, frames = model.features(samples, torch.tensor([samples.shape[1]]))
        with torch.autocast("cpu", torch.bfloat16, enabled=recognizer.pipeline.inference.precision == "bf16"):
            log_probs = model.network(features, frames)[0][0].numpy()
    assert emissions.log_probs.shape == log_probs.shape
    np.testing.assert_allclose(np.exp(emissions.log_probs), np.exp(log_probs), atol=0.02)  # bf16 where it is native
    assert (emissions.frame_duration, emissions.start) == (0.02, model.emission_start)
    assert transcript.text == spoken(TEXT)
    assert transcript.duration == samples.shape[1] / 8000


def test_windowed_recognition_equals_one_pass(
    short: Recognizer, whole: Recognizer, whistler: Whistler, tmp_path: Path
) -> None:
    text = long_text(600)
    path = whistler.write(tmp_path / "a.wav", text)
    expected, transcript = whole.transcribe(path), short.transcribe(path)
    assert expected.text == spoken(text)
    assert transcript.text == expected.text
    starts, ends = ([getattr(w, edge) for w in transcript.words] for edge in ("start", "end"))
    np.testing.assert_allclose(starts, [word.start for word in expected.words], atol=0.05)
    np.testing.assert_allclose(ends, [word.end for word in expected.words], atol=0.05)
    assert len(list(short.emissions(path))) > 5


def test_word_times_are_those_of_the_recording(short: Recognizer, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", "__human" + 9 * "_" + "thing_____")
    human, thing = short.transcribe(path).words
    assert (human.text, thing.text) == ("human", "thing")
    assert human.start == pytest.approx(2.0, abs=0.1)
    assert human.end == pytest.approx(2.5, abs=0.1)
    assert thing.start == pytest.approx(11.5, abs=0.1)


def test_times_are_monotone_and_within_the_recording(short: Recognizer, whistler: Whistler, tmp_path: Path) -> None:
    samples = whistler.say(long_text(150))
    for cut in (1, 79, 1234, len(samples)):
        soundfile.write(tmp_path / "a.wav", samples[:cut], 8000)
        transcript = short.transcribe(tmp_path / "a.wav")
        assert transcript.duration == cut / 8000
        for word in transcript.words:
            assert 0 <= word.start < word.end <= transcript.duration
            assert 0 <= word.confidence <= 1
        for word, following in pairwise(transcript.words):
            assert word.end <= following.start


def test_recordings_together_equal_those_alone(short: Recognizer, whistler: Whistler, tmp_path: Path) -> None:
    texts = ["human", long_text(200), "_", "i am", long_text(50), "things", "saying " * 9]
    paths: list[str | Path] = [whistler.write(tmp_path / f"{n}.wav", text) for n, text in enumerate(texts)]
    paths.insert(3, tmp_path / "missing.wav")
    together = list(short.recognize(iter(paths), with_greedy=True))
    for path, result in zip(paths, together, strict=True):
        if isinstance(result, Unreadable):
            assert "missing.wav" in result.path
            assert "missing.wav" in str(result.error)
        else:
            assert result.transcript == short.transcribe(path)
            assert result.greedy == result.transcript.text
    assert sum(isinstance(result, Unreadable) for result in together) == 1
    assert [r.transcript.text for r in together if isinstance(r, Recognized)] == [spoken(text) for text in texts]


def test_emissions_do_not_depend_on_batches(tmp_path: Path) -> None:
    """With a bidirectional network of random weights, which depends on every frame."""
    torch.manual_seed(1)
    sizes = {"conv_channels": 24, "hidden": 24, "layers": 2}
    config = Config.model_validate(
        {"model": sizes, "window": {"precision": "fp32", "seconds": 4, "overlap_seconds": 1}}
    )
    state = DeepSpeech(config.model, config.features.bins, len(Alphabet())).state_dict()
    save_model(tmp_path / "model.safetensors", state, config, Alphabet())
    paths = [tmp_path / f"{number}.wav" for number in range(5)]
    rng = np.random.default_rng(1)
    for path, seconds in zip(paths, (1.0, 3.3, 9.0, 0.01, 3.9), strict=True):
        soundfile.write(path, 0.1 * rng.standard_normal(round(seconds * 16000)), 16000)
    with Recognizer.load(tmp_path, greedy=True) as recognizer:
        sources = [recognizer.pipeline.source(path) for path in paths]
        together = [(source.path, what) for source, what in recognizer.pipeline.segments(sources)]
        for path in paths:
            for alone in recognizer.emissions(path):
                name, same = together.pop(0)
                assert name == str(path)
                assert isinstance(same, Emissions)
                assert same.start == alone.start
                np.testing.assert_allclose(same.log_probs, alone.log_probs, atol=1e-4)
            together.pop(0)  # its end


def test_silent_windows_skip_the_network(
    short: Recognizer, whistler: Whistler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = whistler.write(tmp_path / "a.wav", "human" + 600 * "_" + "things")
    given: list[int] = []
    run = Inference._log_probs

    def spy(self: Inference, windows: list[Any]) -> list[Any]:
        given.append(len(windows))
        return run(self, windows)

    monkeypatch.setattr(Inference, "_log_probs", spy)
    assert short.transcribe(path).text == "human things"
    assert sum(given) <= 3
    assert sum(len(emissions) for emissions in short.emissions(path)) < 1000


def test_recording_with_damage_in_the_middle_is_unreadable(
    short: Recognizer, whistler: Whistler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, rate: int, **_: object) -> Iterator[np.ndarray[Any, Any]]:
        yield whistler.say(long_text(100))
        if Path(path).name == "bad.wav":
            raise AudioError("bad.wav: ends here.")

    monkeypatch.setattr("audiosearch.acoustic.emitter.read_blocks", broken)
    good, bad, again = short.recognize(["good.wav", "bad.wav", "good.wav"])
    assert isinstance(bad, Unreadable)
    assert good == again
    with pytest.raises(AudioError, match="ends here"):
        short.transcribe("bad.wav")
    with pytest.raises(AudioError, match="ends here"):
        list(short.emissions("bad.wav"))


def test_closing_the_results_early_ends_all_threads(short: Recognizer, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", long_text(2000))
    next(results := short.recognize([path] * 50))
    assert any(thread.name.startswith("prefetch") for thread in threading.enumerate())
    results.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith(("prefetch", "decode")) for thread in threading.enumerate())


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_of_a_thread_is_that_of_the_call(
    short: Recognizer, whistler: Whistler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    paths = [whistler.write(tmp_path / f"{name}.wav", name) for name in ("human", "things", "saying")]
    decode = SegmentDecoder.decode_segment

    def fail(self: SegmentDecoder, emissions: Emissions) -> DecodedSegment:
        decoded = decode(self, emissions)
        if any(word.text == "things" for word in decoded.words):
            raise ZeroDivisionError("bug")
        return decoded

    monkeypatch.setattr(SegmentDecoder, "decode_segment", fail)
    settings = short.decoder.model_copy(update={"threads": threads})
    with Recognizer(short.model, window=SHORT, decoder=settings) as recognizer:
        results = recognizer.transcribe_all(paths)
        assert isinstance(first := next(results), Transcript)
        assert first.text == "human"
        with pytest.raises(ZeroDivisionError, match="bug"):
            next(results)
        with pytest.raises(ZeroDivisionError, match="bug"):
            recognizer.transcribe(paths[1])
        assert recognizer.transcribe(paths[2]).text == "saying"
    assert not any(thread.name.startswith(("prefetch", "decode")) for thread in threading.enumerate())


def test_transcripts_keep_emissions_on_request(short: Recognizer, whistler: Whistler, tmp_path: Path) -> None:
    paths: list[str | Path] = [whistler.write(tmp_path / f"{n}.wav", long_text(100 + n)) for n in range(2)]
    with Recognizer(short.model, window=SHORT, keep_emissions=True) as recognizer:
        kept = [result.transcript for result in recognizer.recognize(paths) if isinstance(result, Recognized)]
    assert len(kept) == 2
    for path, transcript in zip(paths, kept, strict=True):
        plain = short.transcribe(path)
        assert plain.emissions == ()
        assert transcript.words == plain.words
        expected = list(short.emissions(path))
        assert len(expected) > 1
        for packed, emissions in zip(transcript.emissions, expected, strict=True):
            assert packed.start == emissions.start
            unpacked = unpack(packed, len(short.model.alphabet)).log_probs
            np.testing.assert_array_equal(unpacked.argmax(1), emissions.log_probs.argmax(1))


def test_confidences_are_calibrated(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", "i am")
    (tmp_path / "model.safetensors").write_bytes((whistle_model / "model.safetensors").read_bytes())
    with Recognizer.load(tmp_path) as recognizer:
        raw = recognizer.transcribe(path)
    save_calibration(tmp_path, "word", {"weights": [0.0, 0.0, 0.0, 0.0, 0.0]})
    with Recognizer.load(tmp_path) as calibrated:
        assert [word.confidence for word in calibrated.transcribe(path).words] == [0.5, 0.5]
        assert calibrated.fingerprint != recognizer.fingerprint
    assert min(word.confidence for word in raw.words) > 0.9


def test_fingerprint_depends_on_all_settings_that_change_words(whistle_model: Path) -> None:
    def fingerprint(**options: Any) -> str:
        with Recognizer.load(whistle_model, **options) as recognizer:
            return recognizer.fingerprint

    default = fingerprint()
    assert fingerprint(threads=3) == fingerprint(keep_emissions=True) == default
    assert fingerprint(hotwords=["Zeus", "hera "]) == fingerprint(hotwords=["hera", "zeus", "zeus"])
    changes: list[dict[str, Any]] = [{"alpha": 0.1}, {"beam_width": 9}, {"hotwords": ["x"]}, {"greedy": True}]
    assert len({default, *(fingerprint(**options) for options in changes)}) == 5


def test_fingerprint_includes_the_engine_unless_it_is_the_default(
    whistle_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Indexes made before the setting existed used the built-in engine."""
    monkeypatch.setattr("audiosearch.decoding.pyctcdecode_engine.find_spec", lambda _: object())
    with Recognizer.load(whistle_model) as recognizer:
        decoder = recognizer.decoder.model_dump_json(exclude={"threads", "engine"})
        window = recognizer.window.model_dump_json(exclude={"batch", "precision"})
        settings = [recognizer.model.fingerprint, decoder, window, [], recognizer.calibration.to_dict()]
        assert recognizer.language_model is None
        assert recognizer.fingerprint == hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
        library = recognizer.decoder.model_copy(update={"engine": "pyctcdecode"})
        with Recognizer(recognizer.model, decoder=library) as changed:
            assert changed.fingerprint != recognizer.fingerprint
        with pytest.raises(ConfigError, match="does not support hot words"):
            Recognizer(recognizer.model, decoder=library, hotwords=["zeus"])
        Recognizer(recognizer.model, decoder=library, hotwords=["zeus"], greedy=True).close()


def test_settings_in_the_model_folder_are_used(whistle_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes((whistle_model / "model.safetensors").read_bytes())
    (tmp_path / "decoder.yaml").write_text("alpha: 0.75\n")
    with Recognizer.load(model, beta=2.5) as recognizer:
        assert (recognizer.decoder.alpha, recognizer.decoder.beta) == (0.75, 2.5)
        assert recognizer.decoder.threads == 1
    for wrong in ("alpha: -1", "gamma: 1", "- 1", "{"):
        (tmp_path / "decoder.yaml").write_text(wrong)
        with pytest.raises(ConfigError, match=r"decoder\.yaml"):
            Recognizer.load(model)
    with pytest.raises(ModelError, match="no such model"):
        Recognizer.load(tmp_path / "none")


def test_word_times_are_clipped_to_the_recording() -> None:
    a, b = Word("a", -0.1, 0.5, 1.0), Word("b", 1.01, 1.03, 1.0)
    assert clip_words([a, b], 1.0) == (Word("a", 0.0, 0.5, 1.0), Word("b", 0.5, 1.0, 1.0))
    assert clip_words([Word("b", 1.01, 1.03, 1.0)], 1.0) == (Word("b", 0.5, 1.0, 1.0),)
    assert clip_words([], 1.0) == ()
    alternatives = (Alternative("eye", 0.3),)
    assert [word.alternatives for word in clip_words([replace(a, alternatives=alternatives), b], 1.0)] == [
        alternatives,
        (),
    ]


@pytest.mark.gpu
def test_gpu_equals_cpu(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", long_text(300))
    results = []
    for device in ("cpu", "cuda"):
        with Recognizer.load(whistle_model, device=torch.device(device)) as recognizer:
            results.append((recognizer.transcribe(path), list(recognizer.emissions(path))))
    assert results[0][0].text == results[1][0].text
    for on_cpu, on_gpu in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(np.exp(on_cpu.log_probs), np.exp(on_gpu.log_probs), atol=0.02)


def test_results_do_not_depend_on_threads(short: Recognizer, whistler: Whistler, tmp_path: Path) -> None:
    paths = [whistler.write(tmp_path / f"{n}.wav", long_text(100 * n + 50)) for n in range(4)]
    several = short.decoder.model_copy(update={"threads": 2})
    with Recognizer(short.model, window=SHORT, decoder=several) as recognizer:
        assert list(recognizer.recognize(paths)) == list(short.recognize(paths))
