"""Static rules about compute."""
