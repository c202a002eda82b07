"""Scores attribution, verdicts and forecasts on recorded histories, and replays recordings. No network, no database."""
