"""Static rules about policy."""
