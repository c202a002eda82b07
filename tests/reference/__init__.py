"""A second implementation of the reliability figures, from bot/docs/reliability-figures.md alone."""
