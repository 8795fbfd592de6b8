"""Static rules about gradient."""
