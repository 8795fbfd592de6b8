"""Which of several algorithms is better, from whatever holds their runs: read, set side by side, tested, said."""
