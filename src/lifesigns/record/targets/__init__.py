"""One file for each library that is observed: `install(module, recorder)`, called when the user has imported
it."""
