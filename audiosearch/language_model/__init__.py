"""N-gram language models: reading, estimating, interpolating."""
