"""What a run produced: the gallery, run.json, the last lines."""
