"""What the network hears: files → emissions in stretches.

::

    files → blocks → windows ┊ → batches → log-probs → stitched → stretches
            (a thread)       ┊   (a thread, and one for each batch)

Windows of several recordings share batches, and reading runs ahead of the network by a bounded number of windows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from audiosearch.acoustic.checkpoint import AcousticModel
from audiosearch.acoustic.inference import Answer, Inference, Item, StageTimes
from audiosearch.acoustic.segmenter import Stretch, StretchCutter
from audiosearch.acoustic.windows import Stitcher, WindowGrid, is_silent, silence
from audiosearch.alphabet import Alphabet
from audiosearch.audio.reader import read_blocks
from audiosearch.config import WindowConfig
from audiosearch.errors import AudioError
from audiosearch.parallel import ahead
from audiosearch.types import Emissions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Blocks = Callable[[], Iterator["NDArray[np.float32]"]]

WINDOWS_AHEAD = 32


@dataclass(frozen=True, eq=False)
class Source:
    """A recording to be read; compared by identity, as one path may come twice."""

    path: str
    blocks: Blocks


@dataclass(frozen=True)
class End:
    """The last thing heard of a recording."""

    samples: int
    error: AudioError | None = None


@dataclass(frozen=True)
class _Tag:
    """What an item on its way through the network is: a window of so many samples, or a recording's end."""

    source: Source
    what: int | End


class Listener:
    """Gives recordings to a network. Close it to end its threads.

    Args:
        model: what hears.
        window: how long recordings are cut.
        device: for the network; a GPU where there is one unless given.
    """

    def __init__(self, model: AcousticModel, window: WindowConfig, device: torch.device | None = None) -> None:
        self.model = model
        self.window = window
        self.grid = WindowGrid.of(window, model.config.features, model.config.model)
        self.inference = Inference(model, self.grid, window, device)

    def close(self) -> None:
        """Wait for what is running, then end the threads."""
        self.inference.close()

    @property
    def times(self) -> StageTimes:
        """Processor seconds spent so far: read, features, network, stitch."""
        return self.inference.times

    def source(self, path: str | Path) -> Source:
        """A file, which is opened when its turn comes."""
        return Source(str(path), lambda: read_blocks(path, self.model.config.features.sample_rate))

    def emissions(self, path: str | Path) -> Iterator[Emissions]:
        """The emissions of a recording in stretches between pauses, in order; never the whole in memory.

        Raises:
            AudioError: it cannot be read.
        """
        for _, what in self.stretches([self.source(path)]):
            if isinstance(what, Emissions):
                yield what
            elif what.error is not None:
                raise what.error

    def stretches(self, sources: Iterable[Source]) -> Generator[tuple[Source, Emissions | End], None, None]:
        """The stitched emissions of each recording in stretches, then its end."""
        chain = None
        for answer in self.inference.run(ahead(self._windows(sources), WINDOWS_AHEAD)):
            started = time.thread_time()
            if chain is None:
                chain = _Chain(self.grid, self.model.alphabet, self.window)
            ready = [self._emissions(stretch) for stretch in chain.add(answer)]
            self.times.add("stitch", time.thread_time() - started)
            for emissions in ready:
                yield answer.tag.source, emissions
            if isinstance(answer.tag.what, End):
                chain = None
                yield answer.tag.source, answer.tag.what

    def _windows(self, sources: Iterable[Source]) -> Generator[Item[_Tag], None, None]:
        """The windows of each recording, then its end; a silent window has only its length."""
        for source in sources:
            counted = _Counted(source.blocks, self.times)
            try:
                for samples in self.grid.cut(counted):
                    tag = _Tag(source, len(samples))
                    yield Item(tag, None if is_silent(samples, self.window.silence_dbfs) else samples)
            except AudioError as error:
                yield Item(_Tag(source, End(counted.samples, error)), None)
            else:
                yield Item(_Tag(source, End(counted.samples)), None)

    def _emissions(self, stretch: Stretch) -> Emissions:
        duration = self.model.frame_duration
        return Emissions(stretch.log_probs, duration, self.model.emission_start + stretch.first * duration)


class _Counted:
    """The blocks of a recording, counting samples and the time it takes to read them."""

    def __init__(self, blocks: Blocks, times: StageTimes) -> None:
        self.samples = 0
        self._blocks = blocks
        self._times = times

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for block in self._times.each("read", self._blocks()):
            self.samples += len(block)
            yield block


class _Chain:
    """Answers of one recording → its stretches."""

    def __init__(self, grid: WindowGrid, alphabet: Alphabet, window: WindowConfig) -> None:
        self.grid = grid
        self.alphabet = alphabet
        self.stitcher = Stitcher(grid, alphabet.blank, alphabet.space)
        longest, pause = grid.frames_in(window.max_decode_seconds), grid.frames_in(window.pause_seconds)
        self.cutter = StretchCutter(longest, pause, alphabet.blank, alphabet.space)

    def add(self, answer: Answer[_Tag]) -> list[Stretch]:
        """Stretches that are settled by a window or by the recording's end."""
        what = answer.tag.what
        if isinstance(what, End):
            if what.error is not None:
                return []
            rest = self.stitcher.finish()
            return ([] if rest is None else self.cutter.add(rest)) + self.cutter.finish()
        log_probs = answer.log_probs
        if log_probs is None:
            log_probs = silence(self.grid.frames(what), len(self.alphabet), self.alphabet.blank)
        return self.cutter.add(self.stitcher.add(log_probs))
