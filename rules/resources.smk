"""Memory and time that jobs ask for."""

import json
import math
import os
import re

ARRAY = re.compile(r'"lfp/\.zarray":("(?:[^"\\]|\\.)*")')
CLOCK = re.compile(r'\\"clock\\": \[\[[^,]+, [^,]+, [^,]+, ([0-9.e+-]+)')
STRETCH_BYTES, DECODED_BYTES = 48 << 20, 96 << 20  # as in lfpscope.summary.driver
VIEW_VALUES = 2_000_000  # of lfpscope.summary.view


def growing(start, per_megabyte):
    """Return a function for a resource that follows the size of the references and the attempt.

    One megabyte of references stands for about two gigabytes of LFP.
    """
    return lambda wildcards, input, attempt: round(
        attempt * (start + per_megabyte * os.path.getsize(input.references) / 1e6)
    )


def read_head(references):
    """What references say of their recording: its array as Zarr has it, and seconds a sample.

    None where they are broken: the job says why, a resource that fails would end the whole run.
    """
    text = ""
    with open(references, errors="replace") as file:
        while not (array := ARRAY.search(text)):
            if not (more := file.read(1 << 16)):
                return None
            text += more
    dt = CLOCK.search(text)
    return json.loads(json.loads(array[1])), float(dt[1]) if dt else 0.0


def summary_memory(wildcards, input, threads, attempt):
    """MB for the pass: what it uses depends on channels, window and chunk, hardly on the length.

    Less than 600 for recordings of up to 5,000 channels at 1250 Hz in any layout, more where a
    chunk is larger than 64 MB: nothing decodes it in less than its own size.
    tests/unit/summary/test_memory.py compares it with what is used.
    """
    head = read_head(input.references)
    if head is None:
        return 600 * attempt
    array, dt = head
    (n_samples, n_channels), (height, width) = array["shape"], array["chunks"]
    n_bytes = max(int(array["dtype"][2:]), 4 if array["dtype"][1] == "f" else 1)
    window = 2 ** round(math.log2(3.28 / dt)) if dt > 0 and config["spectrum"] else 0
    window = min(window, n_samples)
    stretch = max(STRETCH_BYTES // (n_channels * n_bytes) - window, window // 8, 1)
    stretch, n_rows = min(stretch, n_samples), max(1, min(stretch, n_samples) // height)
    chunk, bucket = height * width * n_bytes, config["summary"]["bucket"]
    n_levels = 1 + max(0, math.ceil(math.log(n_samples / bucket / 1024, 4)))
    used = [
        n_channels
        * n_bytes
        * (window + (2 * stretch if height <= stretch else 0)),  # samples
        3
        * chunk
        * max(1, min(threads, DECODED_BYTES // chunk)),  # read, decoded, turned
        2 * n_channels * (stretch / bucket * 60 + n_rows * 200),  # buckets
        n_channels * (4 * window + 8192),  # spectra
        n_samples / bucket * 32,  # where buckets begin
        n_levels * (4 * n_bytes + 9) * (1 << 19),  # a stored chunk of each level
        15 * os.path.getsize(input.references),
    ]
    return round(attempt * 1.05 * (235 + sum(used) / 1e6))


def view_memory(wildcards, input, threads, attempt):
    """MB for the pass of a view: in each thread a stretch of all channels, some rows of chunks."""
    head = read_head(input.references)
    if head is None:
        return 600 * attempt
    array, _ = head
    (_, n_channels), (height, width) = array["shape"], array["chunks"]
    n_bytes = max(int(array["dtype"][2:]), 4)
    stretch = max(VIEW_VALUES, 40_000 * n_channels)  # or a block of the longest filter
    used = [
        (threads + 1) * stretch * 40,
        3 * threads * height * width * n_bytes,
        256e6,  # decoded chunks that are kept
        15 * os.path.getsize(input.references),
    ]
    return round(attempt * 1.2 * (280 + sum(used) / 1e6))


def drawing_memory(wildcards, input, attempt):
    """MB that grow with the probes drawn, and with the channels of the largest of them."""
    tables = [input.channels] if isinstance(input.channels, str) else input.channels
    # a line is a channel; where a table is still missing, Snakemake asks again later
    n_channels = max(sum(1 for _ in open(table, "rb")) for table in tables)
    return (600 + 100 * len(tables) + round(0.35 * n_channels)) * attempt


def averaging_memory(wildcards, input, attempt):
    """MB that grow with the channels of the largest probe, and with conditions."""
    tables = [input.channels] if isinstance(input.channels, str) else input.channels
    n_channels = max(sum(1 for _ in open(table, "rb")) for table in tables)
    conditions = 1200 if config["evoked"]["conditions"] else 0
    return round(attempt * (500 + 50 * len(tables) + 2 * n_channels + conditions))
