"""Media files: their checks, byte ranges, and the caches of peaks and decoded sound."""
