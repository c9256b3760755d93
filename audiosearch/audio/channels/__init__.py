"""Channels of recordings: one signal of all of them, or a voice in each."""
