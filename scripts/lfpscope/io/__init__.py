"""Bytes and files; knows no HDF5."""
