"""Searching: typed text to a query, and a query to a page of hits, over any index."""
