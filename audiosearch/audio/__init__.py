"""Recordings in, samples out: reading, resampling, cutting, writing and playing sound."""
