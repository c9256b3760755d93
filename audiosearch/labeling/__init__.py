"""Training rows from transcripts that recognizers made, checked by their text and by a network."""
