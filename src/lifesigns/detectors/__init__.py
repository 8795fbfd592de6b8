"""Rules that read the passive statistics of one run, by subject."""
