"""Rules of dyes about seed."""
