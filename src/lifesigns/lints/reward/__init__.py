"""Static rules about reward."""
