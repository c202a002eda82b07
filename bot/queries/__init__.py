"""Read models for every interface: answers from the database and the catalogue, with verdicts judged when asked."""
