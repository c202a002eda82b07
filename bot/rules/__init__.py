"""The rules: what a poll means for surfaces, verdicts and alerts. No I/O; time is always an argument."""
