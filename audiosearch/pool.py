"""Beam search in several processes."""

from __future__ import annotations


class DecoderPool:
    pass
