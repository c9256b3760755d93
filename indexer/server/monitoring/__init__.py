"""Health, metrics and logs of the server."""
