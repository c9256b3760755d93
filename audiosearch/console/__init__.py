"""Output on a terminal that both packages use."""
