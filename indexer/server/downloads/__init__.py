"""Files to download: transcripts, clips and supercuts."""
