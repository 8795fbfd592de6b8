"""Pure functions on samples and curves; randomness is an argument."""
