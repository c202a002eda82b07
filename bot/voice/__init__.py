"""Room 3: who hears it, in what words. Pure: alerts in, posts and messages out."""
