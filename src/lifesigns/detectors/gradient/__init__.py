"""Rules about gradients and parameter updates."""
