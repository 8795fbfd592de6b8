"""Rules about the environment."""
