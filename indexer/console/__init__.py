"""Hits, progress and reports on a terminal."""
