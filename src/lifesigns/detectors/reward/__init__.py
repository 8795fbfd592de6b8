"""Rules about the reward."""
