"""Kerchunk JSON of probes and sessions."""
