"""Rules of dyes about reward."""
