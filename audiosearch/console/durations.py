"""Durations and speeds as text: the same on progress bars, in reports and in tables."""

from __future__ import annotations

from audiosearch.types import Seconds


def length(seconds: Seconds) -> str:
    """A duration in a suitable unit: ``45 s``, ``12 min``, ``3.5 h``; the page writes it alike (``format.js``)."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:,.1f} h"


def pace(speed: float) -> str:
    """A multiple of real time: ``0.4 × real time``, ``107 × real time``; empty while it is not known."""
    if speed < 0.05:
        return ""
    return f"{speed:.1f} × real time" if speed < 9.95 else f"{speed:,.0f} × real time"
