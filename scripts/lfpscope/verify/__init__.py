"""Checks of references and envelopes against h5py and kerchunk."""
