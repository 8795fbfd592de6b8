"""Static rules about seed."""
