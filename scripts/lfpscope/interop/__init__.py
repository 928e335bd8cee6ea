"""Recordings as objects of other packages, which are imported where they are asked for."""
