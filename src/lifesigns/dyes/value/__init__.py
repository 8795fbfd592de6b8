"""Rules of dyes about value."""
