"""Hits and transcripts to files."""
