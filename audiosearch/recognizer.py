"""The chain: path → Transcript.

::

    files → blocks → windows → batches → log-probs → stitched → stretches ┊ → hypotheses → words
                  ``listening.py``                                          ┊   ``pool.py``

Each stage runs ahead of the next by a bounded number of items, so memory does not grow with a recording, and the
network goes on while earlier stretches are decoded.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import torch

from audiosearch.acoustic.checkpoint import AcousticModel, load_model
from audiosearch.acoustic.emitter import End, Listener, Source
from audiosearch.acoustic.inference import StageTimes
from audiosearch.alignment.forced_alignment import align
from audiosearch.config import DecoderConfig, WindowConfig, parse_config
from audiosearch.decoding.confidence import Calibration, load_calibration
from audiosearch.decoding.decoder import decoder_pool
from audiosearch.decoding.decoder import greedy as read_greedily
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.decoding.label_priors import subtract_label_priors
from audiosearch.decoding.pyctcdecode_engine import check_engine
from audiosearch.errors import AudioError
from audiosearch.language_model.kenlm_model import MODEL_NAME, LanguageModel
from audiosearch.model_folder import decoder_settings, find_model, read_checksums
from audiosearch.normalizer import normalize
from audiosearch.parallel import ahead
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.types import Emissions, PackedEmissions, Seconds, Transcript, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRETCHES_AHEAD = 64


@dataclass(frozen=True)
class Recognized:
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

    Raises:
        ConfigError: the engine of the decoder is not installed, or takes no hot words.
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
        self.hotwords = tuple(sorted({normal for phrase in hotwords if (normal := normalize(phrase))}))
        self._kept = frozenset(word for phrase in self.hotwords for word in phrase.split())
        if not greedy:
            check_engine(self.decoder, self.hotwords)
        self.greedy = greedy
        self.sound = sound
        self.listener = Listener(model, self.window, device)
        self.fingerprint = self._fingerprint()
        self.position: Seconds = 0.0  # how far the recording that is being heard has become words; for progress bars
        self._pool: decoder_pool | None = None

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
        settings = decoder_settings(folder, model.config.decoder).model_dump()
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
        self.listener.close()
        if self._pool is not None:
            self._pool.__exit__(None, None, None)
            self._pool = None

    @property
    def sounding(self) -> AcousticProfile:
        """What a search by sound has to know of the emissions."""
        return AcousticProfile(self.model.alphabet, self.calibration.sound)

    @property
    def times(self) -> StageTimes:
        """Processor seconds spent so far: read, features, network, stitch, decode (in this process), align."""
        return self.listener.times

    def transcribe(self, path: str | Path) -> Transcript:
        """The words of a recording.

        Raises:
            AudioError: it cannot be read.
        """
        for result in self.recognize([path]):
            if isinstance(result, Unreadable):
                raise result.error
            return result.transcript
        raise AssertionError("a recording has one result")

    def transcribe_all(self, paths: Iterable[str | Path]) -> Iterator[Transcript | AudioError]:
        """Transcripts of several recordings in their order, or the error of one that cannot be read.

        Faster than one call of ``transcribe`` for each, as batches hold windows of several recordings.
        """
        for result in self.recognize(paths):
            yield result.error if isinstance(result, Unreadable) else result.transcript

    def recognize(self, paths: Iterable[str | Path]) -> Iterator[Recognized | Unreadable]:
        """What is said in each of some recordings, in their order; short ones of like length go quickest together."""
        return self._decode(self.listener.source(path) for path in paths)

    def emissions(self, path: str | Path) -> Iterator[Emissions]:
        """The emissions of a recording in stretches between pauses, in order; never the whole in memory.

        Raises:
            AudioError: it cannot be read.
        """
        return self.listener.emissions(path)

    def listen(self, samples: NDArray[np.float32]) -> Heard:
        """What is heard in samples at the model's rate, all of it in memory: for looking at short excerpts."""
        source = Source("samples", lambda: iter([samples]))
        emissions = tuple(what for _, what in self.listener.stretches([source]) if isinstance(what, Emissions))
        (result,) = self._decode([source])
        assert isinstance(result, Recognized)
        return Heard(emissions, result.transcript.words)

    # Stages

    def _decode(self, sources: Iterable[Source]) -> Iterator[Recognized | Unreadable]:
        """Words of each recording: hypotheses come in the order of the stretches, with ends between them."""
        heard: deque[tuple[Source, Emissions | End]] = deque()

        def stretches() -> Iterator[Emissions]:
            for item in ahead(self.listener.stretches(sources), STRETCHES_AHEAD):
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
            done.words += words if self.greedy else self.calibration.rescore(words, hypothesis.slots, self._kept)
            done.texts.append(hypothesis.text if self.greedy else read_greedily(emissions, self.model.alphabet).text)
            if self.sound:
                done.emissions.extend(pack_in_pieces(subtract_label_priors(emissions, self.decoder)))
            self.times.add("align", time.thread_time() - started)
            self.position = emissions.seconds(len(emissions))
        yield from self._ended(heard, done)

    def hypotheses(self, stretches: Iterable[Emissions]) -> Iterator[Hypothesis]:
        """What is read from each stretch, in order."""
        if self.greedy:
            yield from (read_greedily(emissions, self.model.alphabet) for emissions in stretches)
            return
        if self._pool is None:
            pool = decoder_pool(
                self.model.alphabet, self.decoder, self.language_model, self.hotwords, processes=self.decoder.processes
            )
            self._pool = pool.__enter__()
        yield from self.times.each("decode", self._pool.map(stretches))

    def _ended(self, heard: deque[tuple[Source, Emissions | End]], done: _Done) -> Iterator[Recognized | Unreadable]:
        """Results of the recordings whose end is next; empties ``done`` for the following one."""
        while heard and isinstance(end := heard[0][1], End):
            source, _ = heard.popleft()
            self.position = 0.0
            if end.error is not None:
                yield Unreadable(source.path, end.error)
            else:
                duration = end.samples / self.model.config.features.sample_rate
                transcript = Transcript(source.path, duration, within(done.words, duration), tuple(done.emissions))
                yield Recognized(transcript, " ".join(text for text in done.texts if text))
            done.clear()

    def _fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with anything that changes words."""
        # The built-in engine is not named: indexes from before there was a choice were made by it.
        ignored = {"processes", "engine"} if self.decoder.engine == "builtin" else {"processes"}
        decoder = "greedy" if self.greedy else self.decoder.model_dump_json(exclude=ignored)
        window = self.window.model_dump_json(exclude={"batch", "precision"})
        settings = [self.model.fingerprint, decoder, window, self.hotwords, self.calibration.to_dict()]
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
