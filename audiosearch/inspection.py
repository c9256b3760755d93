"""Picture of a recording: its spectrogram above, the probability of each character in each frame below.

Legend: T spectrogram frames, F bins, T' emission frames, V labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from audiosearch.acoustic.features import frequency_bins
from audiosearch.alphabet import Alphabet
from audiosearch.audio.reader import read_blocks
from audiosearch.config import FeaturesConfig
from audiosearch.errors import AudioError, AudioSearchError
from audiosearch.files import atomic_write
from audiosearch.recognizer import Recognizer
from audiosearch.types import Emissions, Seconds, Word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_SECONDS = 10.0
"""Duration of one row of the picture, in which words are still legible."""

TICKS_HZ = (250, 500, 1000, 2000, 4000, 7000)


@dataclass(frozen=True)
class View:
    """Excerpt of a recording to draw; times count from the start of the recording.

    Args:
        spectrogram: input of the network [T, F].
        emissions: output of the network, segment by segment; silence may be left out.
    """

    title: str
    start: Seconds
    duration: Seconds
    spectrogram: NDArray[np.float32]
    features: FeaturesConfig
    emissions: tuple[Emissions, ...]
    alphabet: Alphabet
    words: tuple[Word, ...]


def inspect_recording(recognizer: Recognizer, path: Path, start: Seconds, seconds: Seconds) -> View:
    """Recognize ``seconds`` of a recording from ``start`` on, or less at its end.

    Raises:
        AudioError: the recording cannot be read, or ends before ``start``.
    """
    model = recognizer.model
    rate = model.config.features.sample_rate
    samples = _excerpt(path, rate, round(start * rate), round((start + seconds) * rate))
    if not len(samples):
        raise AudioError(f"{path}: ends before {start:g} s; give an earlier --start.")
    excerpt = recognizer.recognize_samples(samples)
    device = recognizer.pipeline.inference.device
    lengths = torch.tensor([len(samples)], device=device)
    with torch.inference_mode():
        spectrogram = model.features(torch.from_numpy(samples)[None].to(device), lengths)[0][0].cpu().numpy()
    return View(
        title=str(path),
        start=start,
        duration=len(samples) / rate,
        spectrogram=spectrogram,
        features=model.config.features,
        emissions=tuple(Emissions(e.log_probs, e.frame_duration, e.start + start) for e in excerpt.emissions),
        alphabet=model.alphabet,
        words=tuple(Word(w.text, w.start + start, w.end + start, w.confidence, voice=w.voice) for w in excerpt.words),
    )


def draw(view: View, output: Path) -> None:
    """Draw a view as a PNG file.

    Raises:
        AudioSearchError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max(int(np.ceil(view.duration / ROW_SECONDS - 1e-6)), 1)
    shown = view.duration / rows
    figure = Figure(figsize=(max(1.7 * shown, 7.0), 5.6 * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(view.title)
    axes = figure.subplots(3 * rows, 1, squeeze=False, height_ratios=[2.0, 0.25, 3.0] * rows)[:, 0]
    for row in range(rows):
        start = view.start + row * shown
        spectrum, words, characters = axes[3 * row : 3 * row + 3]
        for panel in (spectrum, words, characters):
            panel.set_xlim(start, start + shown)
        _draw_spectrogram(spectrum, view)
        _draw_words(words, view, start, start + shown)
        _draw_characters(characters, view, start, start + shown)
    try:
        with atomic_write(output) as temporary:
            figure.savefig(temporary, format="png")
    except OSError as error:
        raise AudioSearchError(f"{output}: cannot be written ({error.strerror}).") from error


def _draw_spectrogram(axes: Axes, view: View) -> None:
    bins = view.spectrogram.shape[1]
    low, high = np.percentile(view.spectrogram, (2, 99.5))
    extent = (view.start, view.start + view.duration, 0.0, float(bins))
    left, right = axes.get_xlim()
    axes.imshow(view.spectrogram.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)
    axes.set_xlim(left, right)
    centers = frequency_bins(torch.tensor(TICKS_HZ, dtype=torch.float64), view.features).tolist()
    # Bin k is drawn from k to k + 1.
    ticks = [(hertz, center + 0.5) for hertz, center in zip(TICKS_HZ, centers, strict=True)]
    ticks = [(hertz, height) for hertz, height in ticks if 0 <= height <= bins]
    axes.set_yticks([height for _, height in ticks], [f"{hertz / 1000:g}" for hertz, _ in ticks])
    axes.set_ylabel("kHz")
    axes.tick_params(labelbottom=False)


def _draw_words(axes: Axes, view: View, start: Seconds, end: Seconds) -> None:
    axes.set_ylim(0, 1)
    axes.axis("off")
    for word in view.words:
        middle = (word.start + word.end) / 2
        if start <= middle < end:
            axes.plot([word.start + 0.01, word.end - 0.01], [0.02, 0.02], "tab:blue", lw=3, solid_capstyle="butt")
            shade = 0.25 + 0.75 * word.confidence
            axes.text(middle, 0.5, word.text, ha="center", va="center", fontsize=9, alpha=shade)


def _draw_characters(axes: Axes, view: View, start: Seconds, end: Seconds) -> None:
    labels = len(view.alphabet)
    order = [*range(1, labels), view.alphabet.blank]  # the blank at the bottom
    for emissions in view.emissions:
        extent = (emissions.start, emissions.seconds(len(emissions)), labels - 0.5, -0.5)
        probabilities = np.exp(emissions.log_probs.T[order])
        axes.imshow(probabilities, aspect="auto", extent=extent, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    for word in view.words:
        for edge in (word.start, word.end):
            axes.axvline(edge, color="tab:blue", linewidth=0.5, alpha=0.6)
    axes.set_xlim(start, end)
    axes.set_ylim(labels - 0.5, -0.5)
    names = {"": "blank", " ": "space"}
    ordered = [view.alphabet.labels[label] for label in order]
    axes.set_yticks(range(labels), [names.get(label, label) for label in ordered], fontsize=7)
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    axes.set_xlabel("seconds")


def _excerpt(path: Path, rate: int, start: int, end: int) -> NDArray[np.float32]:
    """Samples [start, end) of a recording, or fewer at its end."""
    parts = [np.empty(0, np.float32)]
    position = 0
    for block in read_blocks(path, rate):
        parts.append(block[max(start - position, 0) : max(end - position, 0)])
        position += len(block)
        if position >= end:
            break
    return np.concatenate(parts)
