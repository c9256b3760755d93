"""Error rates, and the parameters that are fitted on a development set."""
