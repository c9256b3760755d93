"""Emissions to places that sound like a text."""
