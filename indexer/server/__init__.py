"""The page and the API of ``audiosearch serve``."""
