"""Things that RL must beat: each file has one method, `(problem, slice) -> Rung`."""
