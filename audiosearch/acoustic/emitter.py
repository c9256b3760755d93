"""Emissions of recordings: files → segments of log-probabilities between pauses.

::

    files → blocks → windows ┊ → batches → log-probs → stitched → segments
            (one thread)     ┊   (one thread, and one for each batch)

Windows of several recordings share batches. Reading is prefetched by a bounded number of windows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from audiosearch.acoustic.checkpoint import AcousticModel
from audiosearch.acoustic.inference import Inference, StageTimes, WindowInput, WindowOutput
from audiosearch.acoustic.segmenter import PauseSegmenter, Segment
from audiosearch.acoustic.windows import Stitcher, WindowCutter, WindowGrid, blank_log_probs, is_silent
from audiosearch.alphabet import Alphabet
from audiosearch.audio.channels.selection import voice_channels
from audiosearch.audio.reader import read_blocks, read_voices
from audiosearch.config import WindowConfig
from audiosearch.errors import AudioError
from audiosearch.parallel import prefetch
from audiosearch.types import ONE_SIGNAL, Emissions, SoundSelection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Blocks = Callable[[], Iterator["NDArray[np.float32]"]]

PREFETCHED_WINDOWS = 32
"""Windows that are read before the network needs them."""


@dataclass(frozen=True, eq=False)
class Source:
    """Recording to transcribe; compared by identity, as one path may be given twice.

    Args:
        blocks: samples [S], or [K, S] of K voices.
        voices: names of these; empty: ``blocks`` are [S].
    """

    path: str
    blocks: Blocks
    voices: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class EndOfRecording:
    """Last item of a recording: its length in samples, and the error that ended reading, if any."""

    samples: int
    error: AudioError | None = None


@dataclass(frozen=True)
class _Tag:
    """Origin of an item in the network's queue: a window of ``content`` samples, or the end of its recording.

    Args:
        voice: number of the voice.
    """

    source: Source
    content: int | EndOfRecording
    voice: int = 0


class EmissionPipeline:
    """Reads recordings and runs the network over them. Close it to end its threads.

    Args:
        model: network, features and alphabet.
        window: lengths of windows and segments.
        device: of the network; default: a GPU if there is one.
    """

    def __init__(self, model: AcousticModel, window: WindowConfig, device: torch.device | None = None) -> None:
        self.model = model
        self.window = window
        self.grid = WindowGrid.of(window, model.config.features, model.config.model)
        self.inference = Inference(model, self.grid, window, device)

    def close(self) -> None:
        """Wait for running batches, then end the threads."""
        self.inference.close()

    @property
    def times(self) -> StageTimes:
        """Processor seconds spent in each stage: read, features, network, stitch."""
        return self.inference.times

    def source(self, path: str | Path, selection: SoundSelection = ONE_SIGNAL) -> Source:
        """Source of a file, which is opened when it is read."""
        rate, track = self.model.config.features.sample_rate, selection.track
        try:
            voices = voice_channels(path, selection)
        except AudioError as error:
            if selection.channels.isdigit():
                return Source(str(path), partial(_unreadable, error))
            voices = {}  # reading meets the error again
        if not voices:
            return Source(str(path), lambda: read_blocks(path, rate, track=track))
        return Source(str(path), lambda: read_voices(path, rate, tuple(voices), track=track), tuple(voices.values()))

    def emissions(self, path: str | Path) -> Iterator[Emissions]:
        """Yield the emissions of a recording segment by segment, in order of time and in bounded memory.

        Raises:
            AudioError: the recording cannot be read.
        """
        for _, item in self.segments([self.source(path)]):
            if isinstance(item, Emissions):
                yield item
            elif item.error is not None:
                raise item.error

    def segments(self, sources: Iterable[Source]) -> Generator[tuple[Source, Emissions | EndOfRecording], None, None]:
        """Yield the stitched emissions of each recording segment by segment, then its end."""
        assemblies: dict[int, _Assembly] = {}  # of each voice
        for output in self.inference.run(prefetch(self._windows(sources), PREFETCHED_WINDOWS)):
            started = time.thread_time()
            source, is_end = output.tag.source, isinstance(output.tag.content, EndOfRecording)
            complete = []
            for voice in tuple(assemblies) or (0,) if is_end else (output.tag.voice,):
                if voice not in assemblies:
                    assemblies[voice] = _Assembly(self.grid, self.model.alphabet, self.window)
                name = source.voices[voice] if source.voices else None
                complete += [self._emissions(segment, name) for segment in assemblies[voice].add(output)]
            self.times.add("stitch", time.thread_time() - started)
            for emissions in complete:
                yield source, emissions
            if isinstance(output.tag.content, EndOfRecording):
                assemblies = {}
                yield source, output.tag.content

    def _windows(self, sources: Iterable[Source]) -> Generator[WindowInput[_Tag], None, None]:
        """Yield the windows of each recording, then its end; silent windows carry no samples."""
        for source in sources:
            blocks = _CountedBlocks(source.blocks, self.times)
            try:
                for voice, samples in self._cut(source, blocks):
                    tag = _Tag(source, len(samples), voice)
                    yield WindowInput(tag, None if is_silent(samples, self.window.silence_dbfs) else samples)
            except AudioError as error:
                yield WindowInput(_Tag(source, EndOfRecording(blocks.samples, error)), None)
            else:
                yield WindowInput(_Tag(source, EndOfRecording(blocks.samples)), None)

    def _cut(self, source: Source, blocks: _CountedBlocks) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the windows of each voice with its number, in order of time."""
        cutters = [WindowCutter(self.grid) for _ in source.voices or (None,)]
        for block in blocks:
            for voice, samples in enumerate(block if source.voices else (block,)):
                yield from ((voice, window) for window in cutters[voice].add(samples))
        for voice, cutter in enumerate(cutters):
            yield from ((voice, window) for window in cutter.finish())

    def _emissions(self, segment: Segment, voice: str | None) -> Emissions:
        duration = self.model.frame_duration
        return Emissions(segment.log_probs, duration, self.model.emission_start + segment.first * duration, voice)


def _unreadable(error: AudioError) -> Iterator[NDArray[np.float32]]:
    raise error


class _CountedBlocks:
    """Blocks of a recording; counts their samples and the time spent reading."""

    def __init__(self, blocks: Blocks, times: StageTimes) -> None:
        self.samples = 0
        self._blocks = blocks
        self._times = times

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for block in self._times.each("read", self._blocks()):
            self.samples += block.shape[-1]
            yield block


class _Assembly:
    """Stitches the windows of one recording and cuts the result into segments."""

    def __init__(self, grid: WindowGrid, alphabet: Alphabet, window: WindowConfig) -> None:
        self.grid = grid
        self.alphabet = alphabet
        self.stitcher = Stitcher(grid, alphabet.blank, alphabet.space)
        max_frames, pause = grid.frames_in(window.max_decode_seconds), grid.frames_in(window.pause_seconds)
        self.segmenter = PauseSegmenter(max_frames, pause, alphabet.blank, alphabet.space)

    def add(self, output: WindowOutput[_Tag]) -> list[Segment]:
        """Segments completed by a window or by the end of the recording."""
        content = output.tag.content
        if isinstance(content, EndOfRecording):
            if content.error is not None:
                return []
            rest = self.stitcher.finish()
            return ([] if rest is None else self.segmenter.add(rest)) + self.segmenter.finish()
        log_probs = output.log_probs
        if log_probs is None:
            log_probs = blank_log_probs(self.grid.frames(content), len(self.alphabet), self.alphabet.blank)
        return self.segmenter.add(self.stitcher.add(log_probs))
