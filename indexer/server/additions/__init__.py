"""Recordings added and removed through the server, where that is allowed."""
