"""Models that come with audiosearch, as package data."""
