"""Forced alignment: emissions and a text to the times of its words."""
