"""Types of the compiled core.

Arrays must be C-contiguous; inputs of another type or order are converted, outputs are not. The GIL is released during
calls that take long. TypeError for arguments of a wrong type or rank.

Legend: T' emission frames, V labels, N stored frames, E entries, P pieces of packed emissions, L labels of a text,
W the same, padded to a multiple of eight.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class NgramState:
    """The words before the next one, as far as a language model depends on them."""

class NgramModel:
    """N-gram back-off language model, mapped into memory; threads may share it."""

    def __init__(self, path: str) -> None:
        """Open the file that ``language_model/storage.py`` wrote; RuntimeError if it is damaged or unreadable."""

    @property
    def order(self) -> int:
        """Number of words of the longest n-grams."""

    @property
    def words(self) -> list[str]:
        """All words, ascending."""

    def start(self) -> NgramState:
        """The state at the beginning of a sentence."""

    def score(self, state: NgramState, word: str) -> tuple[float, NgramState]:
        """Log10 probability of a word, known or not, after a state, and the next state."""

    def score_end(self, state: NgramState) -> float:
        """Log10 probability that the sentence ends after a state."""

class SearchSettings:
    """Settings of a beam search."""

    def __init__(
        self,
        alpha: float,
        beta: float,
        unknown_score: float,
        beam_width: int,
        beam_prune_logp: float,
        token_min_logp: float,
        prune_history: bool,
    ) -> None:
        """Set all.

        Args:
            alpha: weight of the language model.
            beta: bonus of each word, in nats.
            unknown_score: log10 penalty of a word outside the lexicon.
            beam_width: maximum number of beams after a frame.
            beam_prune_logp: negative, in nats; beams that score lower than the best by more are dropped.
            token_min_logp: in nats; labels below it are not tried, except the best one of a frame.
            prune_history: of beams that differ only in words too far back for the language model, keep the best.
        """

class Candidate:
    """A word that competed for a slot, with uncalibrated scores."""

    def __init__(
        self, text: str, posterior: float, acoustic_score: float, language_score: float, share: float
    ) -> None: ...
    @property
    def text(self) -> str:
        """The word."""

    @property
    def posterior(self) -> float:
        """Share of the search's paths through it, 0 to 1."""

    @property
    def acoustic_score(self) -> float:
        """Log-probability of its letters in the frames of the slot in nats, over that of the best word's."""

    @property
    def language_score(self) -> float:
        """Weighted log-probability of it between the neighboring words in nats, over that of the best word."""

    @property
    def share(self) -> float:
        """Probability by both scores among all words tried in the slot, 0 to 1."""

class ConfusionSlot:
    """One position of a text: its word, and the candidates that competed for it."""

    def __init__(self, text: str, posterior: float, share: float, candidates: Sequence[Candidate]) -> None: ...
    @property
    def text(self) -> str:
        """The word of the best text."""

    @property
    def posterior(self) -> float:
        """Share of the search's paths through the word, 0 to 1."""

    @property
    def share(self) -> float:
        """Probability of the word among all words tried in the slot, 0 to 1."""

    @property
    def candidates(self) -> list[Candidate]:
        """Other words."""

class Decoder:
    """Prefix beam search over emissions with everything it reads; threads may share it."""

    def __init__(
        self,
        labels: Sequence[str],
        language_model: NgramModel | None,
        hot_words: Sequence[Sequence[str]],
        hot_word_weight: float,
    ) -> None:
        """Prepare the search.

        Args:
            labels: of the alphabet: "" is the blank, others are single characters.
            language_model: None to search by the emissions alone.
            hot_words: preferred phrases, each as its words.
            hot_word_weight: bonus of a letter of a hot word, in nats.
        """

    def decode(self, log_probs: NDArray[np.float32], settings: SearchSettings) -> list[tuple[str, float]]:
        """Texts with their scores in nats, best first; ValueError if the log-probs [T', V] have another V."""

    def decode_with_alternatives(
        self, log_probs: NDArray[np.float32], settings: SearchSettings, margin: int
    ) -> tuple[str, float, list[ConfusionSlot]]:
        """The best text, its score in nats and a slot for each of its words.

        Args:
            log_probs: [T', V].
            settings: ``prune_history`` is taken as true.
            margin: frames by which a candidate may extend beyond the word in its place.

        Raises:
            ValueError: the log-probs have another V.
        """

class Peak:
    """Frames ``[start, end)`` of a label of a text, and its highest log-probability in them."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def log_prob(self) -> float: ...

def find_peaks(log_probs: NDArray[np.float32], labels: Sequence[int], blank: int) -> list[Peak]:
    """The peak of each of the labels [L] on the best CTC path through all frames.

    Args:
        log_probs: [T', V], in nats.
        labels: of the text. The frames must suffice for them, with a blank between equal ones.
        blank: the label.

    Raises:
        ValueError: a label is not below V.
    """

def find_words(
    log_probs: NDArray[np.float32],
    words: Sequence[Sequence[int]],
    blank: int,
    space: int,
    letter_penalty: float,
    word_penalty: float,
) -> list[list[Peak]]:
    """The peaks of the letters of each word on the best path, in which words may be left out; none for these.

    Args:
        log_probs: [T', V], in nats.
        words: labels of the letters of each word.
        blank, space: labels; -1 for an alphabet without a space.
        letter_penalty: of a frame of speech between words, in nats.
        word_penalty: of a word that is left out, in nats.

    Raises:
        ValueError: a label is not below V, or a word has no letters.
    """

def scan_keyword(
    entries: NDArray[np.uint8] | NDArray[np.uint16],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    runs: Sequence[int],
    table: NDArray[np.int32],
    edges: NDArray[np.int32],
    skips: NDArray[np.int32],
    losses: NDArray[np.int32],
    boundaries: tuple[int, int],
    length: int,
    min_score: int,
) -> list[tuple[int, int, int, int]]:
    """Number of the first piece of a run, first frame and end frame in the run, and score of each hit of a text.

    ``spotting/keyword_spotter.py`` describes the search. Losses and scores are in its units; losses must be between 0
    and 2700.

    Args:
        entries: heads and further entries of all pieces [E].
        starts: offset of each piece in ``entries`` [P].
        counts: stored frames of each piece [P].
        runs: numbers of the pieces that begin a run of adjoining pieces, ascending, and P.
        table: loss of each label of the text in a frame of another label [V, W].
        edges: loss of the blank and of the space [V, 2].
        skips: added to a token (score · 65536) where a label follows another without a blank [W]; at most 0.
        losses: of the levels [8].
        boundaries: maximum loss of a text that begins within a word, and of one that ends within a word.
        length: L.
        min_score: of a hit.

    Raises:
        ValueError: sizes differ, a number is out of range, entries are missing, or a label is not below V.
    """

def mark_keys(
    entries: NDArray[np.uint8], count: int, losses: NDArray[np.int32], max_loss: int, marked: NDArray[np.bool_]
) -> None:
    """Mark the trigram keys of a piece of packed emissions, as ``spotting/ngram_index.py`` describes them.

    Args:
        entries: heads and further entries [E], of an alphabet of at most 32 labels.
        count: N.
        losses: of the levels [8].
        max_loss: of a path, in the same units.
        marked: output [32768]; the positions of keys become True, others remain.

    Raises:
        ValueError: sizes differ, a loss is out of range, or entries are missing.
    """

def add_rarities(
    postings: NDArray[np.uint8],
    ends: NDArray[np.int64],
    owners: NDArray[np.int64],
    rarities: NDArray[np.float32],
    bitmap_size: int,
    scores: NDArray[np.float32],
) -> None:
    """Add the rarity of each key to the scores of the pieces in its posting lists.

    Args:
        postings: all posting lists, one after another; ``spotting/ngram_index.py`` describes them.
        ends: end of each list in ``postings``, ascending.
        owners: number of the first piece of the block of each list, and position of its key in ``rarities`` [·, 2].
        rarities: of the keys.
        bitmap_size: bytes of a list that is a bitmap; others are gaps.
        scores: output, by number of the piece.

    Raises:
        ValueError: sizes differ, or an end, a key or a piece is out of range.
    """

class QuantizedLstm:
    """LSTM layer of one direction with weights in 8 bits; starts from zero states. Threads may share it."""

    def __init__(
        self, input_weights: NDArray[np.float32], hidden_weights: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> None:
        """Quantize a layer with the gates of PyTorch: input, forget, cell, output.

        Args:
            input_weights: [4·H, C].
            hidden_weights: [4·H, H].
            bias: [4·H].

        Raises:
            ValueError: the shapes do not fit.
        """

    def run(self, inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> None:
        """Write the outputs [B, T, H] of inputs [B, T, C]; ValueError if the shapes do not fit."""

def has_integer_products() -> bool:
    """True if this processor multiplies 16-bit integers in vectors of 256 or 512 bits."""
