"""Static rules about value."""
