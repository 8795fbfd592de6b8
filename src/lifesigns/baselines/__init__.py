"""Things that a learner must beat: measured apart from the run, in a process of their own."""
