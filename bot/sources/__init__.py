"""Room 1: what a page says. Pure: bytes in, a Snapshot out; one file per format."""
