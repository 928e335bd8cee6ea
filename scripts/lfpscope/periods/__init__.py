"""Periods of a recording: gaps, resets, damage, saturation, artefacts, theta and ripples."""
