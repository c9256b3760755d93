"""Emissions to words, with alternatives and confidences."""
