"""Pure functions of arrays: no files, no pipeline."""
