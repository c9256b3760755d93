"""Common ground of the compiled dynamic programs over CTC emissions.

Four searches write labels into frames, each with a recurrence of its own:

- ``alignment/forced_alignment.py``: the best path of one text through all frames, with its frames (Viterbi);
- ``decoding/lexicon_search.py``: the best words of a lexicon within some frames (token passing over a trie);
- ``spotting/keyword_spotter.py``: the best spans of one text anywhere in a recording;
- ``spotting/ngram_index.py``: all letter trigrams on paths of a small loss.

All follow the topology of CTC (Graves et al. 2006). Every label of a text has two states: ``on_label``, in a frame of
that label, and ``on_blank``, in a blank after it. A label follows another directly, or after a blank where the two are
equal, since equal labels in adjacent frames are one::

    labels   ──→ l₁ ──→ l₂ ──→ l₃ ──→     l₁ → l₂ without a blank only where they differ
                  ╲    ↗ ╲    ↗ ╲
    blanks         ──→    ──→

Sums over paths are maxima throughout. States that cannot be reached hold a large negative score, or a large loss.
"""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(function: Any) -> Any:
    """Compile a function, and cache the machine code on disk if a cache folder is writable."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the folder of the source nor the user's cache folder is writable
        return njit(nogil=True)(function)
