"""The pyramid of buckets: its levels, its file, and how it is read."""
