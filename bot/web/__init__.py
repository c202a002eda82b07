"""The HTTP server: the API, evidence from programs, metrics and the board."""
