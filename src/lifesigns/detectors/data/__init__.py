"""Rules about what networks are fed."""
