"""Shows a diagnosis: terminal, JSON, HTML. It computes nothing; import the renderer that is needed."""
