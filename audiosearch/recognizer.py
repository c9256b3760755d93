"""The chain: path → Transcript.

::

    files → blocks → windows ┊ → batches → log-probs → stitched → stretches ┊ → hypotheses → words
            (a thread)       ┊   (a thread, and one for each batch)         ┊   (processes)

Each stage runs ahead of the next by a bounded number of items, so memory does not grow with a recording, and the
network goes on while earlier stretches are decoded. Windows of several recordings share batches.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import torch
import yaml

from audiosearch.ahead import ahead
from audiosearch.align import align
from audiosearch.audio import read_blocks
from audiosearch.calibration import Calibration, load_calibration
from audiosearch.checkpoint import AcousticModel, load_model
from audiosearch.checksums import read_checksums
from audiosearch.config import DecoderConfig, WindowConfig, parse_config
from audiosearch.decoder import greedy as read_greedily
from audiosearch.errors import AudioError, ConfigError
from audiosearch.inference import Answer, Inference, Item, StageTimes
from audiosearch.lm import MODEL_NAME, LanguageModel
from audiosearch.models import find_model
from audiosearch.pool import DecoderPool
from audiosearch.posteriors import pack_in_pieces
from audiosearch.sounding import Sounding
from audiosearch.stretches import Stretch, StretchCutter
from audiosearch.text import normalise
from audiosearch.tuning import SETTINGS_NAME
from audiosearch.types import Emissions, Hypothesis, PackedEmissions, Seconds, Transcript, Word
from audiosearch.windows import Stitcher, WindowGrid, is_silent, silence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Blocks = Callable[[], Iterator["NDArray[np.float32]"]]

WINDOWS_AHEAD = 32
STRETCHES_AHEAD = 64


@dataclass(frozen=True)
class Recognised:
    """A recording that was read, and what the likeliest label of each frame says, without beam and language model."""

    transcript: Transcript
    greedy: str


@dataclass(frozen=True)
class Unreadable:
    """A recording that was not."""

    path: str
    error: AudioError


@dataclass(frozen=True)
class Heard:
    """Emissions of a recording in stretches, and the words in them."""

    emissions: tuple[Emissions, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True)
class _Source:
    """A recording to be read; compared by identity, as one path may come twice."""

    path: str
    blocks: Blocks


@dataclass(frozen=True)
class _End:
    """The last thing heard of a recording."""

    samples: int
    error: AudioError | None = None


@dataclass(frozen=True)
class _Tag:
    """What an item on its way through the network is: a window of so many samples, or a recording's end."""

    source: _Source
    what: int | _End


class Recognizer:
    """Turns recordings into timed words. Close it, or use it in ``with``, to end its threads and processes.

    Args:
        model: what hears.
        language_model: what the beam search reads by; without one, by sound alone.
        decoder: settings of the beam search; the model's own unless given.
        window: how long recordings are cut; the model's own unless given.
        calibration: what makes probabilities of confidences; without, they are taken as they come.
        hotwords: words and phrases to be preferred where they fit.
        greedy: take the likeliest label of each frame instead of a beam search: faster, worse.
        sound: whether transcripts keep their emissions, packed, for searching by sound.
        device: for the network; a GPU where there is one unless given.
    """

    def __init__(
        self,
        model: AcousticModel,
        *,
        language_model: LanguageModel | None = None,
        decoder: DecoderConfig | None = None,
        window: WindowConfig | None = None,
        calibration: Calibration | None = None,
        hotwords: Sequence[str] = (),
        greedy: bool = False,
        sound: bool = False,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.language_model = language_model
        self.decoder = decoder or model.config.decoder
        self.window = window or model.config.window
        self.calibration = calibration or Calibration()
        self.hotwords = tuple(sorted({normal for phrase in hotwords if (normal := normalise(phrase))}))
        self._kept = frozenset(word for phrase in self.hotwords for word in phrase.split())
        self.greedy = greedy
        self.sound = sound
        self.grid = WindowGrid.of(self.window, model.config.features, model.config.model)
        self.inference = Inference(model, self.grid, self.window, device)
        self.fingerprint = self._fingerprint()
        self.position: Seconds = 0.0  # how far the recording that is being heard has become words; for progress bars
        self._pool: DecoderPool | None = None

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        hotwords: Sequence[str] = (),
        greedy: bool = False,
        sound: bool = False,
        alpha: float | None = None,
        beta: float | None = None,
        beam_width: int | None = None,
        processes: int | None = None,
        device: torch.device | None = None,
    ) -> Recognizer:
        """The recognizer of a model file or folder, with the language model, settings and calibration beside it.

        Args:
            path: the model that comes with audiosearch unless given.
            alpha, beta, beam_width, processes: replace the settings of the decoder.

        Raises:
            ModelError, LanguageModelError, ConfigError: what is there cannot be used.
        """
        path = find_model(path)
        model = load_model(path)
        folder = path if path.is_dir() else path.parent
        reads = not greedy and ((folder / MODEL_NAME).exists() or MODEL_NAME in read_checksums(folder))
        language_model = LanguageModel.load(folder) if reads else None
        given = {"alpha": alpha, "beta": beta, "beam_width": beam_width, "processes": processes}
        changes = {name: value for name, value in given.items() if value is not None}
        settings = tuned_settings(folder, model.config.decoder).model_dump()
        decoder = parse_config({"decoder": {**settings, **changes}}, source="the decoder").decoder
        return cls(
            model,
            language_model=language_model,
            decoder=decoder,
            calibration=load_calibration(folder),
            hotwords=hotwords,
            greedy=greedy,
            sound=sound,
            device=device,
        )

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End threads and processes; it cannot be used afterwards."""
        self.inference.close()
        if self._pool is not None:
            self._pool.__exit__(None, None, None)
            self._pool = None

    @property
    def sounding(self) -> Sounding:
        """What a search by sound has to know of the emissions."""
        return Sounding(self.model.alphabet, self.calibration.sound)

    @property
    def times(self) -> StageTimes:
        """Processor seconds spent so far: read, features, network, stitch, decode (in this process), align."""
        return self.inference.times

    def transcribe(self, path: str | Path) -> Transcript:
        """The words of a recording.

        Raises:
            AudioError: it cannot be read.
        """
        for result in self.recognise([path]):
            if isinstance(result, Unreadable):
                raise result.error
            return result.transcript
        raise AssertionError("a recording has one result")

    def recognise(self, paths: Iterable[str | Path]) -> Iterator[Recognised | Unreadable]:
        """What is said in each of some recordings, in their order; short ones of like length go quickest together."""
        return self._decode(_Source(str(path), self._reader(path)) for path in paths)

    def emissions(self, path: str | Path) -> Iterator[Emissions]:
        """The emissions of a recording in stretches between pauses, in order; never the whole in memory.

        Raises:
            AudioError: it cannot be read.
        """
        for _, what in self._stretches([_Source(str(path), self._reader(path))]):
            if isinstance(what, Emissions):
                yield what
            elif what.error is not None:
                raise what.error

    def listen(self, samples: NDArray[np.float32]) -> Heard:
        """What is heard in samples at the model's rate, all of it in memory: for looking at short excerpts."""
        source = _Source("samples", lambda: iter([samples]))
        emissions = tuple(what for _, what in self._stretches([source]) if isinstance(what, Emissions))
        (result,) = self._decode([source])
        assert isinstance(result, Recognised)
        return Heard(emissions, result.transcript.words)

    def _reader(self, path: str | Path) -> Blocks:
        return lambda: read_blocks(path, self.model.config.features.sample_rate)

    # Stages

    def _windows(self, sources: Iterable[_Source]) -> Generator[Item[_Tag], None, None]:
        """The windows of each recording, then its end; a silent window has only its length."""
        for source in sources:
            counted = _Counted(source.blocks, self.times)
            try:
                for samples in self.grid.cut(counted):
                    tag = _Tag(source, len(samples))
                    yield Item(tag, None if is_silent(samples, self.window.silence_dbfs) else samples)
            except AudioError as error:
                yield Item(_Tag(source, _End(counted.samples, error)), None)
            else:
                yield Item(_Tag(source, _End(counted.samples)), None)

    def _stretches(self, sources: Iterable[_Source]) -> Generator[tuple[_Source, Emissions | _End], None, None]:
        """The stitched emissions of each recording in stretches, then its end."""
        chain = None
        for answer in self.inference.run(ahead(self._windows(sources), WINDOWS_AHEAD)):
            started = time.thread_time()
            if chain is None:
                chain = _Chain(self)
            ready = [self._emissions(stretch) for stretch in chain.add(answer)]
            self.times.add("stitch", time.thread_time() - started)
            for emissions in ready:
                yield answer.tag.source, emissions
            if isinstance(answer.tag.what, _End):
                chain = None
                yield answer.tag.source, answer.tag.what

    def _emissions(self, stretch: Stretch) -> Emissions:
        duration = self.model.frame_duration
        return Emissions(stretch.log_probs, duration, self.model.emission_start + stretch.first * duration)

    def _decode(self, sources: Iterable[_Source]) -> Iterator[Recognised | Unreadable]:
        """Words of each recording: hypotheses come in the order of the stretches, with ends between them."""
        heard: deque[tuple[_Source, Emissions | _End]] = deque()

        def stretches() -> Iterator[Emissions]:
            for item in ahead(self._stretches(sources), STRETCHES_AHEAD):
                heard.append(item)
                if isinstance(item[1], Emissions):
                    yield item[1]

        done = _Done()
        for hypothesis in self.hypotheses(stretches()):
            yield from self._ended(heard, done)
            _, emissions = heard.popleft()
            assert isinstance(emissions, Emissions)
            started = time.thread_time()
            words = align(emissions, hypothesis.text, self.model.alphabet)
            done.words += words if self.greedy else self.calibration.judge(words, hypothesis.slots, self._kept)
            done.texts.append(hypothesis.text if self.greedy else read_greedily(emissions, self.model.alphabet).text)
            if self.sound:
                done.emissions.extend(pack_in_pieces(emissions))
            self.times.add("align", time.thread_time() - started)
            self.position = emissions.seconds(len(emissions))
        yield from self._ended(heard, done)

    def hypotheses(self, stretches: Iterable[Emissions]) -> Iterator[Hypothesis]:
        """What is read from each stretch, in order."""
        if self.greedy:
            yield from (read_greedily(emissions, self.model.alphabet) for emissions in stretches)
            return
        if self._pool is None:
            pool = DecoderPool(
                self.model.alphabet, self.decoder, self.language_model, self.hotwords, processes=self.decoder.processes
            )
            self._pool = pool.__enter__()
        hypotheses = iter(self._pool.map(stretches))
        while True:
            started = time.thread_time()
            hypothesis = next(hypotheses, None)
            self.times.add("decode", time.thread_time() - started)
            if hypothesis is None:
                return
            yield hypothesis

    def _ended(self, heard: deque[tuple[_Source, Emissions | _End]], done: _Done) -> Iterator[Recognised | Unreadable]:
        """Results of the recordings whose end is next; empties ``done`` for the following one."""
        while heard and isinstance(end := heard[0][1], _End):
            source, _ = heard.popleft()
            self.position = 0.0
            if end.error is not None:
                yield Unreadable(source.path, end.error)
            else:
                duration = end.samples / self.model.config.features.sample_rate
                transcript = Transcript(source.path, duration, within(done.words, duration), tuple(done.emissions))
                yield Recognised(transcript, " ".join(text for text in done.texts if text))
            done.clear()

    def _fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with anything that changes words."""
        decoder = "greedy" if self.greedy else self.decoder.model_dump_json(exclude={"processes"})
        window = self.window.model_dump_json(exclude={"batch", "precision"})
        settings = [self.model.fingerprint, decoder, window, self.hotwords, asdict(self.calibration)]
        digest = hashlib.sha256(json.dumps(settings).encode())
        if self.language_model is not None and not self.greedy:
            digest.update(" ".join(self.language_model.words).encode())
            with self.language_model.path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()[:16]


@dataclass
class _Done:
    """What has become of a recording so far."""

    words: list[Word] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    emissions: list[PackedEmissions] = field(default_factory=list)

    def clear(self) -> None:
        """Begin another."""
        self.words.clear()
        self.texts.clear()
        self.emissions.clear()


class _Counted:
    """The blocks of a recording, counting samples and the time it takes to read them."""

    def __init__(self, blocks: Blocks, times: StageTimes) -> None:
        self.samples = 0
        self._blocks = blocks
        self._times = times

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        blocks = self._blocks()
        while True:
            started = time.thread_time()
            block = next(blocks, None)
            self._times.add("read", time.thread_time() - started)
            if block is None:
                return
            self.samples += len(block)
            yield block


class _Chain:
    """Answers of one recording → its stretches."""

    def __init__(self, recognizer: Recognizer) -> None:
        grid, alphabet, window = recognizer.grid, recognizer.model.alphabet, recognizer.window
        self.grid = grid
        self.alphabet = alphabet
        self.stitcher = Stitcher(grid, alphabet.blank, alphabet.space)
        longest, pause = grid.frames_in(window.max_decode_seconds), grid.frames_in(window.pause_seconds)
        self.cutter = StretchCutter(longest, pause, alphabet.blank, alphabet.space)

    def add(self, answer: Answer[_Tag]) -> list[Stretch]:
        """Stretches that are settled by a window or by the recording's end."""
        what = answer.tag.what
        if isinstance(what, _End):
            if what.error is not None:
                return []
            rest = self.stitcher.finish()
            return ([] if rest is None else self.cutter.add(rest)) + self.cutter.finish()
        log_probs = answer.log_probs
        if log_probs is None:
            log_probs = silence(self.grid.frames(what), len(self.alphabet), self.alphabet.blank)
        return self.cutter.add(self.stitcher.add(log_probs))


def tuned_settings(folder: Path, settings: DecoderConfig) -> DecoderConfig:
    """The settings with those that ``audiosearch tune`` has stored in a model's folder, if it has.

    Raises:
        ConfigError: the file there cannot be read, or names what is no setting.
    """
    path = folder / SETTINGS_NAME
    if not path.exists():
        return settings
    try:
        tuned = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        tuned = None
    if not isinstance(tuned, dict):
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it and tune again.")
    return parse_config({"decoder": {**settings.model_dump(), **tuned}}, str(path)).decoder


def within(words: Sequence[Word], duration: Seconds) -> tuple[Word, ...]:
    """The words with times in ``[0, duration]``: the frame of the first or last may reach beyond the recording."""
    fitted: list[Word] = []
    for word in words:
        start, end = max(word.start, 0.0), min(word.end, duration)
        if start < end:
            fitted.append(replace(word, start=start, end=end))
        else:  # it lies wholly in the part of a frame past the end: it takes the end of what is left
            start = fitted[-1].start if fitted else 0.0
            middle = (start + duration) / 2
            if fitted:
                last = fitted.pop()
                fitted.append(replace(last, end=middle))
            fitted.append(replace(word, start=middle, end=duration))
    return tuple(fitted)
