"""Words by other recognizers, with times and sound by our network."""
