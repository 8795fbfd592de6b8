"""Rules about value functions and their targets."""
