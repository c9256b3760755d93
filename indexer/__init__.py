"""Timed words into hits."""
