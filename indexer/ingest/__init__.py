"""Folders, transcripts and other stores into an index."""
