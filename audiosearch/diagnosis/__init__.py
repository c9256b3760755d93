"""Checks of machine, packages and models, with advice on what to repair."""
