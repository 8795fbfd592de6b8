"""Public learning curves that are bundled; README.md names their sources and licences."""
