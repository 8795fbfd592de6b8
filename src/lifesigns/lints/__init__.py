"""Static rules, one per file in the subject folders, on what `source` reads off the syntax tree."""
