"""Training data: corpora, manifests, cache of decoded audio, batches, augmentation."""
