"""Room 4: touching the world. Effects and no decisions."""
