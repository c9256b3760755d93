"""Compiled searches over emissions: decoding with a language model, alignment, keyword spotting (C++, ``_core.pyi``).

Four dynamic programs write labels into frames, each with a recurrence of its own:

- ``beam_search.cpp``: the best texts of all frames, by summed paths;
- ``alignment.cpp``: the best path of one text through all frames, with its frames (Viterbi), words left out or not;
- ``lexicon.cpp``: the best words of a lexicon within some frames (token passing over a trie);
- ``keyword_scan.cpp``, ``trigram_keys.cpp``: spans of one text anywhere in a recording; letter trigrams on paths.

All follow the topology of CTC (Graves et al. 2006). Every label of a text has two states: ``on_label``, in a frame of
that label, and ``on_blank``, in a blank after it. A label follows another directly, or after a blank where the two are
equal, since equal labels in adjacent frames are one::

    labels   ──→ l₁ ──→ l₂ ──→ l₃ ──→     l₁ → l₂ without a blank only where they differ
                  ╲    ↗ ╲    ↗ ╲
    blanks         ──→    ──→

Outside of the beam search, sums over paths are maxima. States that cannot be reached hold a large negative score.
"""

from audiosearch.core._core import (
    Candidate,
    ConfusionSlot,
    Decoder,
    NgramModel,
    NgramState,
    Peak,
    QuantizedLstm,
    SearchSettings,
    add_rarities,
    find_peaks,
    find_words,
    has_integer_products,
    mark_keys,
    scan_keyword,
)

__all__ = [
    "Candidate",
    "ConfusionSlot",
    "Decoder",
    "NgramModel",
    "NgramState",
    "Peak",
    "QuantizedLstm",
    "SearchSettings",
    "add_rarities",
    "find_peaks",
    "find_words",
    "has_integer_products",
    "mark_keys",
    "scan_keyword",
]
