"""Room 2: what it means. Pure: Snapshots and time in, changes, surfaces, verdicts and alerts out."""
