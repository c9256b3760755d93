"""Hits and transcripts as files for other programs."""
