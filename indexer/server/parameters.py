"""The parameters of a request, each read as what it stands for; what is wrong with one becomes a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from starlette.datastructures import QueryParams

from audiosearch.errors import QueryError

MOST_TEXTS = 20
"""Values of a parameter that may be repeated."""


class Parameters:
    """Those of one request, of which all must be known."""

    def __init__(self, given: QueryParams, known: Sequence[str]) -> None:
        """QueryError for one that is not among ``known``."""
        self._given = given
        for name in given:
            if name not in known:
                raise QueryError(f"there is no parameter {name[:40]!r}; there are {', '.join(known)}")

    def text(self, name: str) -> str | None:
        """The value of a parameter that may be given once."""
        values = self._given.getlist(name)
        if len(values) > 1:
            raise QueryError(f"{name} may be given once, not {len(values)} times")
        return values[0] if values else None

    def texts(self, name: str) -> list[str]:
        """All values of one that may be repeated; empty ones, as forms send them, do not count."""
        values = self._given.getlist(name)
        if len(values) > MOST_TEXTS:
            raise QueryError(f"{name} may be given up to {MOST_TEXTS} times, not {len(values)}")
        return [value for value in values if value.strip()]

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices, the first unless given."""
        value = self.text(name)
        if value is None:
            return choices[0]
        if value not in choices:
            raise QueryError(f"{name} is one of {', '.join(choices)}, not {value[:40]!r}")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number in a range."""
        value = self.text(name)
        if value is None:
            return default
        digits = value.removeprefix("-")
        number = int(value) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
        if number is None or not least <= number <= most:
            raise QueryError(f"{name} is a whole number from {least} to {most}, not {value[:40]!r}")
        return number

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number in a range, if it is given."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value) if value.isascii() and "_" not in value else math.nan
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise QueryError(f"{name} is a number from {least:g} to {most:g}, not {value[:40]!r}")
        return number
