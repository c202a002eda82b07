"""Room 5: the doors. Wiring and no thinking."""
