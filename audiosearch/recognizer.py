"""Speech recognition of whole recordings: path → ``Transcript``.

::

    files → blocks → windows → batches → log-probs → stitched → segments ┊ → hypotheses → words ┊ → transcript
                 ``acoustic/emitter.py``                                 ┊ ``decoding/decoder.py``

Each stage prefetches a bounded number of items: memory does not grow with the length of a recording, and the network
runs while earlier segments are decoded.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import torch

from audiosearch.acoustic.checkpoint import AcousticModel, load_model
from audiosearch.acoustic.emitter import EmissionPipeline, EndOfRecording, Source
from audiosearch.acoustic.inference import StageTimes
from audiosearch.config import DecoderConfig, WindowConfig, parse_config
from audiosearch.decoding.confidence import Calibration, load_calibration
from audiosearch.decoding.decoder import BeamDecoder, DecodedSegment, SegmentDecoder
from audiosearch.decoding.decoder import greedy as decode_greedily
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.decoding.label_priors import subtract_label_priors
from audiosearch.decoding.pyctcdecode_engine import check_engine
from audiosearch.errors import AudioError
from audiosearch.language_model.model import MODEL_NAME, LanguageModel
from audiosearch.model_folder import decoder_settings, find_model, read_checksums
from audiosearch.normalizer import normalize
from audiosearch.parallel import map_in_threads, prefetch
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.transcripts.turns import by_time
from audiosearch.types import (
    ALL_SOUND,
    ONE_SIGNAL,
    Emissions,
    PackedEmissions,
    Seconds,
    SoundSelection,
    Transcript,
    Word,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREFETCHED_SEGMENTS = 64
"""Segments that are computed before the decoder needs them."""


@dataclass(frozen=True)
class Recognized:
    """Transcript of a recording.

    Args:
        greedy: text of the most probable label of each frame, without a beam search; None unless it was requested.
        segments: emissions of the segments, if they were requested.
    """

    transcript: Transcript
    greedy: str | None = None
    segments: tuple[Emissions, ...] = ()


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
    """Transcribes recordings. Close it, or use it in ``with``, to end its threads.

    Args:
        model: acoustic model.
        language_model: of the beam search; without one it uses the acoustic scores alone.
        decoder: settings of the beam search; default: those stored with the model.
        window: lengths of windows and segments; default: those stored with the model.
        calibration: maps scores to confidences; without it they are uncalibrated.
        hotwords: words and phrases with a bonus.
        greedy: use the most probable label of each frame instead of a beam search: faster, less accurate.
        keep_emissions: store packed emissions in the transcripts, for searching by sound.
        selection: sound of the files that is recognized.
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
        selection: SoundSelection = ALL_SOUND,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.language_model = language_model
        self.decoder = decoder or model.config.decoder
        self.window = window or model.config.window
        self.calibration = calibration or Calibration()
        self.hotwords = tuple(sorted({normal for phrase in hotwords if (normal := normalize(phrase))}))
        if not greedy:
            check_engine(self.decoder, self.hotwords)
        self.greedy = greedy
        self.keep_emissions = keep_emissions
        self.selection = selection
        self.pipeline = EmissionPipeline(model, self.window, device)
        self.fingerprint = self._fingerprint()
        self.position: Seconds = 0.0  # time up to which the current recording is transcribed; for progress bars
        self.check: Callable[[], None] = lambda: None  # called after each segment; may raise to stop

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        hotwords: Sequence[str] = (),
        greedy: bool = False,
        keep_emissions: bool = False,
        selection: SoundSelection = ALL_SOUND,
        alpha: float | None = None,
        beta: float | None = None,
        beam_width: int | None = None,
        threads: int | None = None,
        device: torch.device | None = None,
    ) -> Recognizer:
        """Load a model file or folder with the language model, settings and calibration beside it.

        Args:
            path: default: the configured model, else the installed one.
            selection: sound of the files that is recognized.
            alpha, beta, beam_width, threads: override the decoder settings.

        Raises:
            ModelError, LanguageModelError, ConfigError: a file is missing, damaged or malformed.
        """
        path = find_model(path)
        model = load_model(path)
        folder = path if path.is_dir() else path.parent
        options = {"alpha": alpha, "beta": beta, "beam_width": beam_width, "threads": threads}
        changes = {name: value for name, value in options.items() if value is not None}
        settings = decoder_settings(folder, model.config.decoder).model_dump()
        decoder = parse_config({"decoder": {**settings, **changes}}, source="the decoder").decoder
        has_language_model = not greedy and ((folder / MODEL_NAME).exists() or MODEL_NAME in read_checksums(folder))
        allow_kenlm = decoder.engine == "pyctcdecode"
        language_model = LanguageModel.load(folder, allow_kenlm=allow_kenlm) if has_language_model else None
        return cls(
            model,
            language_model=language_model,
            decoder=decoder,
            calibration=load_calibration(folder),
            hotwords=hotwords,
            greedy=greedy,
            keep_emissions=keep_emissions,
            selection=selection,
            device=device,
        )

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; the recognizer cannot be used afterwards."""
        self.pipeline.close()

    @property
    def acoustic_profile(self) -> AcousticProfile:
        """Alphabet and calibration, which a search by sound needs besides the emissions."""
        return AcousticProfile(self.model.alphabet, self.calibration.sound)

    @property
    def times(self) -> StageTimes:
        """Processor seconds spent in each stage: read, features, network, stitch, decode."""
        return self.pipeline.times

    def transcribe(self, path: str | Path) -> Transcript:
        """Transcribe a recording.

        Raises:
            AudioError: the recording cannot be read.
        """
        (result,) = self.recognize([path])
        if isinstance(result, Unreadable):
            raise result.error
        return result.transcript

    def transcribe_all(self, paths: Iterable[str | Path]) -> Iterator[Transcript | AudioError]:
        """Transcripts of several recordings in their order, or the error of one that cannot be read.

        Faster than one call of ``transcribe`` for each, as batches hold windows of several recordings.
        """
        for result in self.recognize(paths):
            yield result.error if isinstance(result, Unreadable) else result.transcript

    def recognize(
        self, paths: Iterable[str | Path], *, with_greedy: bool = False, with_segments: bool = False
    ) -> Iterator[Recognized | Unreadable]:
        """Transcribe recordings, in order; short ones of similar length share batches best.

        Args:
            with_greedy: return the greedy text of each recording too.
            with_segments: return the emissions too, which take 14 MB an hour; channels are then mixed to one signal.
        """
        selection = replace(self.selection, channels=ONE_SIGNAL.channels) if with_segments else self.selection
        sources = (self.pipeline.source(path, selection) for path in paths)
        return self._decode(sources, with_greedy=with_greedy, with_segments=with_segments)

    def emissions(self, path: str | Path) -> Iterator[Emissions]:
        """Yield the emissions of a recording segment by segment, in order of time and in bounded memory.

        Raises:
            AudioError: the recording cannot be read.
        """
        return self.pipeline.emissions(path)

    def packed_emissions(self, path: str | Path) -> tuple[PackedEmissions, ...]:
        """The emissions of a recording as transcripts keep them, without decoding.

        Raises:
            AudioError: the recording cannot be read.
        """
        segments = (subtract_label_priors(segment, self.decoder) for segment in self.emissions(path))
        return tuple(piece for segment in segments for piece in pack_in_pieces(segment))

    def recognize_samples(self, samples: NDArray[np.float32]) -> RecognizedExcerpt:
        """Recognize a short excerpt, given as samples at the model's rate."""
        source = Source("samples", lambda: iter([samples]))
        emissions = tuple(item for _, item in self.pipeline.segments([source]) if isinstance(item, Emissions))
        (result,) = self._decode([source])
        assert isinstance(result, Recognized)
        return RecognizedExcerpt(emissions, result.transcript.words)

    # Stages

    def _decode(
        self, sources: Iterable[Source], *, with_greedy: bool = False, with_segments: bool = False
    ) -> Generator[Recognized | Unreadable, None, None]:
        """Decode the segments of all sources and yield one result at the end of each source."""
        alphabet = self.model.alphabet
        partial = _PartialTranscript(greedy=[] if with_greedy else None)
        # Closed in order, so that no thread remains after an error or if the caller stops early.
        with closing(prefetch(self.pipeline.segments(sources), PREFETCHED_SEGMENTS)) as segments:
            jobs = ((item, item[1] if isinstance(item[1], Emissions) else None) for item in segments)
            with closing(map_in_threads(self._decode_segment, jobs, self.decoder.threads)) as decoded_segments:
                for (source, item), decoded in decoded_segments:
                    self.check()
                    if isinstance(item, EndOfRecording):
                        self.position = 0.0
                        yield self._result(source, item, partial)
                        partial = _PartialTranscript(greedy=[] if with_greedy else None)
                        continue
                    assert decoded is not None, "every segment is decoded"
                    partial.words.setdefault(item.voice, []).extend(decoded.words)
                    partial.emissions.setdefault(item.voice, []).extend(decoded.emissions)
                    if with_segments:
                        partial.segments.append(item)
                    if partial.greedy is not None:
                        partial.greedy.append(decode_greedily(item, alphabet).text)
                    self.position = item.seconds(len(item))

    def _decode_segment(self, emissions: Emissions) -> DecodedSegment:
        started = time.thread_time()
        try:
            return self._segments.decode_segment(emissions)
        finally:
            self.times.add("decode", time.thread_time() - started)

    @cached_property
    def _beam_decoder(self) -> BeamDecoder:
        return BeamDecoder(self.model.alphabet, self.decoder, self.language_model, self.hotwords)

    @cached_property
    def _segments(self) -> SegmentDecoder:
        return SegmentDecoder(
            self.model.alphabet,
            self.decoder,
            None if self.greedy else self._beam_decoder,
            self.calibration,
            frozenset(word for phrase in self.hotwords for word in phrase.split()),
            self.keep_emissions,
        )

    def _result(self, source: Source, end: EndOfRecording, partial: _PartialTranscript) -> Recognized | Unreadable:
        if end.error is not None:
            return Unreadable(source.path, end.error)
        duration = end.samples / self.model.config.features.sample_rate
        words = [
            replace(word, voice=voice)
            for voice, spoken in partial.words.items()
            for word in clip_words(spoken, duration)
        ]
        emissions = tuple(chain.from_iterable(partial.emissions.values()))
        transcript = Transcript(source.path, duration, tuple(by_time(words)), emissions)
        greedy = None if partial.greedy is None else " ".join(text for text in partial.greedy if text)
        return Recognized(transcript, greedy, tuple(partial.segments))

    def hypotheses(self, segments: Iterable[Emissions]) -> Iterator[Hypothesis]:
        """Yield the best hypothesis for each segment, in order: text and uncalibrated scores, without times."""
        if self.greedy:
            yield from (decode_greedily(emissions, self.model.alphabet) for emissions in segments)
            return
        jobs = ((None, emissions) for emissions in segments)
        for _, hypothesis in map_in_threads(self._beam_decoder.decode_with_alternatives, jobs, self.decoder.threads):
            assert hypothesis is not None, "every segment is decoded"
            yield hypothesis

    def _fingerprint(self) -> str:
        """Hash, in 16 hexadecimal digits, of everything that determines transcripts, and the label of the selection."""
        # The built-in engine is left out: indexes made before the setting existed used it.
        ignored = {"threads", "engine"} if self.decoder.engine == "builtin" else {"threads"}
        decoder = "greedy" if self.greedy else self.decoder.model_dump_json(exclude=ignored)
        window = self.window.model_dump_json(exclude={"batch", "precision"})
        settings = [self.model.fingerprint, decoder, window, self.hotwords, self.calibration.to_dict()]
        digest = hashlib.sha256(json.dumps(settings).encode())
        if self.language_model is not None and not self.greedy:
            with self.language_model.path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return " ".join(filter(None, (digest.hexdigest()[:16], self.selection.label)))


@dataclass
class _PartialTranscript:
    """Words and packed emissions of each voice and, if requested, emissions and greedy texts of the segments so far."""

    words: dict[str | None, list[Word]] = field(default_factory=dict)
    emissions: dict[str | None, list[PackedEmissions]] = field(default_factory=dict)
    segments: list[Emissions] = field(default_factory=list)
    greedy: list[str] | None = None


def clip_words(words: Sequence[Word], duration: Seconds) -> tuple[Word, ...]:
    """Clip word times to ``[0, duration]``, since the first or last frame may reach beyond the recording."""
    clipped: list[Word] = []
    for word in words:
        start, end = max(word.start, 0.0), min(word.end, duration)
        if start < end:
            clipped.append(replace(word, start=start, end=end))
        else:  # beyond the end: it shares the time of the word before
            start = clipped[-1].start if clipped else 0.0
            middle = (start + duration) / 2
            if clipped:
                last = clipped.pop()
                clipped.append(replace(last, end=middle))
            clipped.append(replace(word, start=middle, end=duration))
    return tuple(clipped)
