"""What is worth an alert, and which channel receives which notification."""
