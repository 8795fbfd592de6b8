"""Rules of dyes about policy."""
