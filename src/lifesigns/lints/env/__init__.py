"""Static rules about env."""
