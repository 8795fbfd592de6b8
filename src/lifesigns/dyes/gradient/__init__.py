"""Rules of dyes about gradient."""
