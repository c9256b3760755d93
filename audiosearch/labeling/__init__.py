"""Pseudo-labels: training rows from transcripts by recognizers, checked by text and by a network."""
