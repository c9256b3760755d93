"""Corrections of words."""
