"""Pure functions of arrays of samples: no files, no clocks of their own."""
