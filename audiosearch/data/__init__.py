"""Transcribed speech to train on: corpora, manifests, cache, batches, augmentation."""
