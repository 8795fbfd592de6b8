"""The commands of the `lifesigns` line: each parses, calls one function and prints what came back."""
