"""Rules of dyes about env."""
