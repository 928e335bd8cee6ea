"""One pass over the chunks of a probe."""
