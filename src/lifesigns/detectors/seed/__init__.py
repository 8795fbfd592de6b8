"""Detectors that concern seeds."""
