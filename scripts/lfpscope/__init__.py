"""Neuropixels LFP, seen in place: references, one-pass envelopes, exact drawing."""
