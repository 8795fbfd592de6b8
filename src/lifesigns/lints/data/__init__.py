"""Static rules about data."""
