"""The machine, packages and models: whether they work, and what to do where they do not."""
