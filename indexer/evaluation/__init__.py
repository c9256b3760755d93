"""Quality of the search on recordings whose text is known."""
