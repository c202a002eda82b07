"""The verdict rules: whether it is safe to retry a surface, with the reason and the form for programs."""
