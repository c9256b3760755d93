"""A typed query to a page of hits, over any index."""
