"""Characters and their CTC labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

BLANK = 0
"""Index of the CTC blank, which stands for no character."""


@dataclass(frozen=True)
class Alphabet:
    """Characters that a network distinguishes; ``labels[0]`` is the CTC blank, an empty string."""

    labels: tuple[str, ...] = ("", *"abcdefghijklmnopqrstuvwxyz", "'", " ")

    def __post_init__(self) -> None:
        if not self.labels or self.labels[BLANK] != "":
            raise ValueError("the first label must be the blank, an empty string")
        characters = self.labels[1:]
        if any(len(character) != 1 for character in characters) or len(set(characters)) != len(characters):
            raise ValueError("every label after the blank must be one character, and no character may occur twice")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def blank(self) -> int:
        """Index of the blank."""
        return BLANK

    @property
    def space(self) -> int:
        """Index of the space.

        Raises:
            ValueError: the alphabet has no space.
        """
        return self.labels.index(" ")

    def encode(self, text: str) -> list[int]:
        """Return the labels of normalized text.

        Raises:
            ValueError: a character is not in the alphabet.
        """
        labels = _indices(self.labels)
        try:
            return [labels[character] for character in text]
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is not in the alphabet (in {text!r})") from None

    def decode(self, labels: Iterable[int]) -> str:
        """Return the characters of labels; blanks are dropped, repetitions kept."""
        return "".join(self.labels[label] for label in labels)


@lru_cache(maxsize=16)
def _indices(labels: tuple[str, ...]) -> dict[str, int]:
    return {label: index for index, label in enumerate(labels) if label}
