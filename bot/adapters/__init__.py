"""Adapters for the outside world: HTTP, DNS, Slack, Litestream and the terminal. They do I/O and make no decisions."""
