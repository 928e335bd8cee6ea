"""Where sessions come from: a row of the sessions table -> its probes and their bytes."""
