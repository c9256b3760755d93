"""Query parameters of a request, parsed and validated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from starlette.datastructures import QueryParams

from audiosearch.errors import QueryError

MAX_VALUES = 20
"""Maximum number of values of a repeatable parameter."""


Choice = TypeVar("Choice", bound=str)


class Parameters:
    """The parameters of one request."""

    def __init__(self, query: QueryParams, known: Sequence[str]) -> None:
        """Parameters of a query string; QueryError for a parameter that is not in ``known``."""
        self._query = query
        self._known = known
        for name in query:
            if name not in known:
                raise QueryError(f"unknown parameter {name[:40]!r}; known: {', '.join(known)}")

    def changed(self, values: Mapping[str, str | None]) -> Parameters:
        """Parameters with other values; None leaves a parameter out."""
        kept = [(name, value) for name, value in self._query.multi_items() if name not in values]
        return Parameters(QueryParams([*kept, *((name, value) for name, value in values.items() if value is not None)]),
                          self._known)  # fmt: skip

    def text(self, name: str) -> str | None:
        """The value of a parameter; QueryError if it is repeated."""
        values = self._query.getlist(name)
        if len(values) > 1:
            raise QueryError(f"{name} may be given once, not {len(values)} times")
        return values[0] if values else None

    def texts(self, name: str) -> list[str]:
        """The values of a repeatable parameter, without blank ones."""
        values = self._query.getlist(name)
        if len(values) > MAX_VALUES:
            raise QueryError(f"{name} may be given up to {MAX_VALUES} times, not {len(values)}")
        return [value for value in values if value.strip()]

    def choice(self, name: str, choices: Sequence[Choice]) -> Choice:
        """One of the choices (default: the first)."""
        value = self.text(name)
        if value is None:
            return choices[0]
        if value not in choices:
            raise QueryError(f"{name} is one of {', '.join(choices)}, not {value[:40]!r}")
        return next(choice for choice in choices if choice == value)

    def whole(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """An integer in a range."""
        value = self.text(name)
        if value is None:
            return default
        digits = value.removeprefix("-")
        number = int(value) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
        if number is None or not minimum <= number <= maximum:
            raise QueryError(f"{name} is a whole number from {minimum} to {maximum}, not {value[:40]!r}")
        return number

    def number(self, name: str, minimum: float, maximum: float) -> float | None:
        """A number in a range; None if it is not given."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value) if value.isascii() and "_" not in value else math.nan
        except ValueError:
            number = math.nan
        if not minimum <= number <= maximum:
            raise QueryError(f"{name} is a number from {minimum:g} to {maximum:g}, not {value[:40]!r}")
        return number
