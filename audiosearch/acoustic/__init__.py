"""Samples to emissions: features, the DeepSpeech network, windows over long recordings."""
