"""Beam search in several processes.

The processes are spawned, as torch has threads that a fork would not survive, and load no torch. Each reads the
language model once; its file is mapped into memory, which they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from audiosearch.parallel import Workers

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.config import DecoderConfig
    from audiosearch.decoding.decoder import BeamDecoder
    from audiosearch.language_model.kenlm_model import LanguageModel
    from audiosearch.types import Emissions, Hypothesis


class DecoderPool:
    """A ``BeamDecoder`` in each of several processes. Use it in ``with``.

    Args:
        processes: the configuration's unless given; 1 works in this process; 0 means one for each core.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None = None,
        hotwords: Sequence[str] = (),
        processes: int | None = None,
    ) -> None:
        make = _MakeDecoder(alphabet, config, language_model, tuple(hotwords))
        self._workers = Workers(make, config.processes if processes is None else processes)

    def __enter__(self) -> DecoderPool:
        self._workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._workers.__exit__(kind, error, traceback)

    def map(self, emissions: Iterable[Emissions]) -> Iterator[Hypothesis]:
        """The best hypothesis for each, with what competed with its words, in order; with a few in work at a time.

        Raises:
            LanguageModelError: the language model is damaged.
            AudioSearchError: a process died.
        """
        return self._workers.map(emissions)


class _MakeDecoder:
    """Makes the function that a process applies; a class, as it must be picklable."""

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None,
        hotwords: tuple[str, ...],
    ) -> None:
        self.arguments = (alphabet, config, language_model, hotwords)

    def __call__(self) -> Callable[[Emissions], Hypothesis]:
        from audiosearch.decoding.decoder import BeamDecoder

        decoder: BeamDecoder = BeamDecoder(*self.arguments)
        decoder.prepare()
        return decoder.read
