"""Numbers to pixels to PNG."""
