"""Decoded frames of FFmpeg as arrays, and the exceptions for damaged ones.

Legend: C channels, S samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audiosearch.audio.samples import Samples


def damage() -> tuple[type[Exception], ...]:
    """Exceptions of PyAV for damaged packets (IndexError: a packet of a stream that is not in the header)."""
    import av

    return av.error.FFmpegError, ValueError, IndexError


def samples_of(frame: Any) -> Samples:
    """Samples of a decoded frame [C, S], full scale at 1."""
    samples = frame.to_ndarray()  # planar: [C, S], packed: [1, S·C]
    if samples.shape[1] != frame.samples:
        samples = samples.reshape(frame.samples, -1).T
    if samples.dtype.kind == "u":  # 8 bits
        samples = (samples.astype(np.float32) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / float(2 ** (8 * samples.dtype.itemsize - 1))
    plain: Samples = samples
    return plain
