"""Rules of dyes about data."""
