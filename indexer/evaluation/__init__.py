"""The quality of the search, measured on speech whose text is known."""
