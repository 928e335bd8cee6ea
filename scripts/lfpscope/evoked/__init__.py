"""Averages over intervals: what a stimulus evokes, on every channel."""
