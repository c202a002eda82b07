"""Which surfaces an incident affects, from its components and the words of its texts."""
