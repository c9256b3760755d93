"""Speech recognition of whole recordings: path → ``Transcript``.

::

    files → blocks → windows → batches → log-probs → stitched → segments ┊ → hypotheses → words
                 ``acoustic/emitter.py``                                 ┊ ``decoding/decoder.py``

Each stage prefetches a bounded number of items: memory does not grow with the length of a recording, and the network
runs while earlier segments are decoded.
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
from audiosearch.acoustic.emitter import EmissionPipeline, EndOfRecording, Source
from audiosearch.acoustic.inference import StageTimes
from audiosearch.alignment.forced_alignment import align
from audiosearch.config import DecoderConfig, WindowConfig, parse_config
from audiosearch.decoding.confidence import Calibration, load_calibration
from audiosearch.decoding.decoder import decoder_pool
from audiosearch.decoding.decoder import greedy as decode_greedily
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.decoding.label_priors import subtract_label_priors
from audiosearch.decoding.pyctcdecode_engine import check_engine
from audiosearch.errors import AudioError
from audiosearch.language_model.kenlm_model import MODEL_NAME, LanguageModel
from audiosearch.model_folder import decoder_settings, find_model, read_checksums
from audiosearch.normalizer import normalize
from audiosearch.parallel import ProcessPool, prefetch
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.types import Emissions, PackedEmissions, Seconds, Transcript, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREFETCHED_SEGMENTS = 64


@dataclass(frozen=True)
class Recognized:
    """Transcript of a recording, and its greedy text: the likeliest label of each frame, without a beam search."""

    transcript: Transcript
    greedy: str


@dataclass(frozen=True)
class Unreadable:
    """Recording that could not be read, and the reason."""

    path: str
    error: AudioError


@dataclass(frozen=True)
class RecognizedExcerpt:
    """Emissions of an excerpt, segment by segment, and its words."""

    emissions: tuple[Emissions, ...]
    words: tuple[Word, ...]


class Recognizer:
    """Transcribes recordings. Close it, or use it in ``with``, to end its threads and processes.

    Args:
        model: acoustic model.
        language_model: of the beam search; without one it uses the acoustic scores alone.
        decoder: settings of the beam search; default: those stored with the model.
        window: lengths of windows and segments; default: those stored with the model.
        calibration: maps scores to confidences; without it they are uncalibrated.
        hotwords: words and phrases that get a bonus.
        greedy: take the likeliest label of each frame instead of a beam search: faster, less accurate.
        keep_emissions: store packed emissions in the transcripts, for searching by sound.
        device: of the network; default: a GPU if there is one.

    Raises:
        ConfigError: the decoder's engine is not installed, or does not support hot words.
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
        keep_emissions: bool = False,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.language_model = language_model
        self.decoder = decoder or model.config.decoder
        self.window = window or model.config.window
        self.calibration = calibration or Calibration()
        self.hotwords = tuple(sorted({normal for phrase in hotwords if (normal := normalize(phrase))}))
        self._hotword_parts = frozenset(word for phrase in self.hotwords for word in phrase.split())
        if not greedy:
            check_engine(self.decoder, self.hotwords)
        self.greedy = greedy
        self.keep_emissions = keep_emissions
        self.pipeline = EmissionPipeline(model, self.window, device)
        self.fingerprint = self._fingerprint()
        self.position: Seconds = 0.0  # time up to which the current recording is transcribed; for progress bars
        self._pool: ProcessPool[Emissions, Hypothesis] | None = None

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        hotwords: Sequence[str] = (),
        greedy: bool = False,
        keep_emissions: bool = False,
        alpha: float | None = None,
        beta: float | None = None,
        beam_width: int | None = None,
        processes: int | None = None,
        device: torch.device | None = None,
    ) -> Recognizer:
        """Load a model file or folder with the language model, settings and calibration beside it.

        Args:
            path: default: the configured model, else the installed one.
            alpha, beta, beam_width, processes: override the decoder settings.

        Raises:
            ModelError, LanguageModelError, ConfigError: a file is missing, damaged or malformed.
        """
        path = find_model(path)
        model = load_model(path)
        folder = path if path.is_dir() else path.parent
        has_language_model = not greedy and ((folder / MODEL_NAME).exists() or MODEL_NAME in read_checksums(folder))
        language_model = LanguageModel.load(folder) if has_language_model else None
        options = {"alpha": alpha, "beta": beta, "beam_width": beam_width, "processes": processes}
        changes = {name: value for name, value in options.items() if value is not None}
        settings = decoder_settings(folder, model.config.decoder).model_dump()
        decoder = parse_config({"decoder": {**settings, **changes}}, source="the decoder").decoder
        return cls(
            model,
            language_model=language_model,
            decoder=decoder,
            calibration=load_calibration(folder),
            hotwords=hotwords,
            greedy=greedy,
            keep_emissions=keep_emissions,
            device=device,
        )

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End threads and processes; the recognizer cannot be used afterwards."""
        self.pipeline.close()
        if self._pool is not None:
            self._pool.__exit__(None, None, None)
            self._pool = None

    @property
    def acoustic_profile(self) -> AcousticProfile:
        """Alphabet and calibration, which a search by sound needs besides the emissions."""
        return AcousticProfile(self.model.alphabet, self.calibration.sound)

    @property
    def times(self) -> StageTimes:
        """Processor seconds spent in each stage: read, features, network, stitch, decode (in this process), align."""
        return self.pipeline.times

    def transcribe(self, path: str | Path) -> Transcript:
        """Transcribe a recording.

        Raises:
            AudioError: the recording cannot be read.
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
        """Transcribe recordings, in order; short ones of similar length share batches best."""
        return self._decode(self.pipeline.source(path) for path in paths)

    def emissions(self, path: str | Path) -> Iterator[Emissions]:
        """Yield the emissions of a recording segment by segment, in order of time and in bounded memory.

        Raises:
            AudioError: the recording cannot be read.
        """
        return self.pipeline.emissions(path)

    def recognize_samples(self, samples: NDArray[np.float32]) -> RecognizedExcerpt:
        """Recognize a short excerpt, given as samples at the model's rate."""
        source = Source("samples", lambda: iter([samples]))
        emissions = tuple(item for _, item in self.pipeline.segments([source]) if isinstance(item, Emissions))
        (result,) = self._decode([source])
        assert isinstance(result, Recognized)
        return RecognizedExcerpt(emissions, result.transcript.words)

    # Stages

    def _decode(self, sources: Iterable[Source]) -> Iterator[Recognized | Unreadable]:
        """Decode the segments of all sources and yield one result at the end of each source.

        Hypotheses arrive in the order of the segments; ``pending`` holds those segments, and the ends between them.
        """
        pending: deque[tuple[Source, Emissions | EndOfRecording]] = deque()

        def segments() -> Iterator[Emissions]:
            for item in prefetch(self.pipeline.segments(sources), PREFETCHED_SEGMENTS):
                pending.append(item)
                if isinstance(item[1], Emissions):
                    yield item[1]

        partial = _PartialTranscript()
        for hypothesis in self.hypotheses(segments()):
            yield from self._finished(pending, partial)
            _, emissions = pending.popleft()
            assert isinstance(emissions, Emissions)
            started = time.thread_time()
            words = align(emissions, hypothesis.text, self.model.alphabet)
            if self.greedy:
                partial.words += words
                partial.greedy.append(hypothesis.text)
            else:
                partial.words += self.calibration.rescore(words, hypothesis.slots, self._hotword_parts)
                partial.greedy.append(decode_greedily(emissions, self.model.alphabet).text)
            if self.keep_emissions:
                partial.emissions.extend(pack_in_pieces(subtract_label_priors(emissions, self.decoder)))
            self.times.add("align", time.thread_time() - started)
            self.position = emissions.seconds(len(emissions))
        yield from self._finished(pending, partial)

    def hypotheses(self, segments: Iterable[Emissions]) -> Iterator[Hypothesis]:
        """Yield the best hypothesis for each segment, in order."""
        if self.greedy:
            yield from (decode_greedily(emissions, self.model.alphabet) for emissions in segments)
            return
        if self._pool is None:
            pool = decoder_pool(
                self.model.alphabet, self.decoder, self.language_model, self.hotwords, processes=self.decoder.processes
            )
            self._pool = pool.__enter__()
        yield from self.times.each("decode", self._pool.map(segments))

    def _finished(
        self, pending: deque[tuple[Source, Emissions | EndOfRecording]], partial: _PartialTranscript
    ) -> Iterator[Recognized | Unreadable]:
        """Yield results while the next pending item is the end of a recording, and clear ``partial`` after each."""
        while pending and isinstance(end := pending[0][1], EndOfRecording):
            source, _ = pending.popleft()
            self.position = 0.0
            if end.error is not None:
                yield Unreadable(source.path, end.error)
            else:
                duration = end.samples / self.model.config.features.sample_rate
                words = clip_words(partial.words, duration)
                transcript = Transcript(source.path, duration, words, tuple(partial.emissions))
                yield Recognized(transcript, " ".join(text for text in partial.greedy if text))
            partial.clear()

    def _fingerprint(self) -> str:
        """Hash, in 16 hexadecimal digits, of everything that determines transcripts."""
        # The built-in engine is left out: indexes made before the setting existed used it.
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
class _PartialTranscript:
    """Words, greedy texts and packed emissions of a recording's segments so far."""

    words: list[Word] = field(default_factory=list)
    greedy: list[str] = field(default_factory=list)
    emissions: list[PackedEmissions] = field(default_factory=list)

    def clear(self) -> None:
        """Empty it for the next recording."""
        self.words.clear()
        self.greedy.clear()
        self.emissions.clear()


def clip_words(words: Sequence[Word], duration: Seconds) -> tuple[Word, ...]:
    """Clip word times to ``[0, duration]``, since the first or last frame may reach beyond the recording."""
    clipped: list[Word] = []
    for word in words:
        start, end = max(word.start, 0.0), min(word.end, duration)
        if start < end:
            clipped.append(replace(word, start=start, end=end))
        else:  # it lies past the end: it shares the time of the word before
            start = clipped[-1].start if clipped else 0.0
            middle = (start + duration) / 2
            if clipped:
                last = clipped.pop()
                clipped.append(replace(last, end=middle))
            clipped.append(replace(word, start=middle, end=duration))
    return tuple(clipped)
