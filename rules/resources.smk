"""Memory and time that jobs ask for."""

import os


def growing(start, per_megabyte):
    """Return a function for a resource that follows the size of the references and the attempt.

    One megabyte of references stands for about two gigabytes of LFP.
    """
    return lambda wildcards, input, attempt: round(
        attempt * (start + per_megabyte * os.path.getsize(input.references) / 1e6)
    )


def drawing_memory(wildcards, input, attempt):
    """MB that grow with the probes drawn, and with the channels of the largest of them."""
    tables = [input.channels] if isinstance(input.channels, str) else input.channels
    # a line is a channel; where a table is still missing, Snakemake asks again later
    n_channels = max(sum(1 for _ in open(table)) for table in tables)
    return (600 + 100 * len(tables) + round(0.35 * n_channels)) * attempt


def averaging_memory(wildcards, input, attempt):
    """MB that grow with the channels of the largest probe, and with conditions."""
    tables = [input.channels] if isinstance(input.channels, str) else input.channels
    n_channels = max(sum(1 for _ in open(table)) for table in tables)
    conditions = 1200 if config["evoked"]["conditions"] else 0
    return round(attempt * (500 + 50 * len(tables) + 2 * n_channels + conditions))
