"""What was found in a recording, for a person to read: the block that index_probe logs."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.formatting import duration_text
from lfpscope.hdf5.layout import Layout
from lfpscope.nwb.depth import Column
from lfpscope.nwb.electrodes import Channels
from lfpscope.nwb.recording import Recording

MAX_LINES = 20  # of gaps, and of stretches without a time
MAX_LABELS = 8  # of brain areas or groups


def describe(recording: Recording, clock: Clock, *, n_chunks: int) -> str:
    """Return a few lines, each with its subject in front.

    Parameters
    ----------
    recording : Recording
        What was found.
    clock : Clock
        Its segments.
    n_chunks : int
        References to its data.
    """
    n_samples, n_channels = recording.n_samples, recording.n_channels
    lines = [("file", recording.file)]
    lines += [("version", f"NWB {recording.version.removeprefix('NWB-')}")] * bool(
        recording.version
    )
    lines += [("session", f"{recording.session}, the file says")] * bool(recording.session)
    lines += [
        ("series", recording.series),
        ("samples", f"{n_samples} × {n_channels} channel{'s' * (n_channels != 1)}"),
        ("stored", _stored(recording.layout, n_chunks)),
        ("volts", _volts(recording)),
        *_clock(clock),
        *_channels(recording.channels),
        *(("doubt", doubt.text) for doubt in recording.doubts),
    ]
    return "\n".join(f"{subject:<10}{words}" for subject, words in lines)


def _stored(layout: Layout, n_chunks: int) -> str:
    names = ["gzip" if codec["id"] == "zlib" else codec["id"] for codec in layout.codecs]
    filters, shape = ", ".join(names) or "not compressed", " × ".join(map(str, layout.chunks))
    pieces = f"{n_chunks} piece{'s' * (n_chunks != 1)}"  # chunks; or parts of contiguous data
    return f"{layout.dtype}, {filters}, {pieces} of {shape}"


def _volts(recording: Recording) -> str:
    each = " × channel_conversion" * ("channel_conversion" in recording.channels.columns)
    return f"stored × {recording.conversion:g}{each} + {recording.offset:g}"


def _clock(clock: Clock) -> Iterator[tuple[str, str]]:
    if not clock.valid:
        yield "clock", "no sample has a time"
        return
    residual = max(segment.residual for segment in clock.valid)
    even = f"even to {1e6 * residual:.3f} µs"
    yield "clock", f"{clock.t0:.3f} s to {clock.t1:.3f} s, {1 / clock.dt:.4f} Hz, {even}"
    yield "length", f"{duration_text(clock.t1 - clock.t0)}, gaps included"
    gaps = clock.gaps()
    for start, stop in gaps[:MAX_LINES]:
        yield "gap", f"{start:.3f} s to {stop:.3f} s: {duration_text(stop - start)}"
    if len(gaps) > MAX_LINES:
        yield "gap", f"and {len(gaps) - MAX_LINES} more"
    resets = clock.resets()
    for before, after in resets[:MAX_LINES]:
        yield "reset", f"from {before:.3f} s to {after:.3f} s"
    if len(resets) > MAX_LINES:
        yield "reset", f"and {len(resets) - MAX_LINES} more"
    timeless = [segment for segment in clock.segments if not segment.valid]
    for segment in timeless[:MAX_LINES]:
        yield "no time", f"samples {segment.first_sample} to {segment.stop_sample - 1}"
    if len(timeless) > MAX_LINES:
        yield "no time", f"and {len(timeless) - MAX_LINES} more"


def _channels(channels: Channels) -> Iterator[tuple[str, str]]:
    known, columns = channels.id[channels.id >= 0], channels.columns
    without = channels.id.size - known.size
    rest = f", and {without} without an electrode" if without else ""
    yield "channels", f"{known.size} with ids {known.min()} to {known.max()}{rest}"
    if "depth" in columns:
        depth = columns["depth"]
        label = channels.depth_axis.label if channels.depth_axis else "depth"
        yield "depth", f"{np.nanmin(depth):g} to {np.nanmax(depth):g}: {label}"
    for name, column in (("areas", "area"), ("groups", "group"), ("shanks", "shank")):
        if column in columns:
            yield name, _labels(columns[column])
    others = [name for name in columns if name in ("x", "y", "z", "valid")]
    if others:
        yield "also", ", ".join(others)


def _labels(column: Column) -> str:
    """Labels with the number of channels each, in the order of the channels."""
    counts = Counter(label for label in column.tolist() if label)
    words = [f"{label} ({n})" for label, n in list(counts.items())[:MAX_LABELS]]
    more = [f"and {len(counts) - MAX_LABELS} more"] if len(counts) > MAX_LABELS else []
    return ", ".join([*words, *more])
