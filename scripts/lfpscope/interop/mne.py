"""A window of a probe as a RawArray of MNE."""

from pathlib import Path
from typing import Any

import numpy as np

from lfpscope.envelope.read import time_range
from lfpscope.errors import UserError
from lfpscope.interop.recording_folder import open_probe
from lfpscope.nwb.intervals import read_intervals
from lfpscope.result_files import INTERVALS
from lfpscope.samples.chunk_cache import Samples
from lfpscope.samples.chunk_reader import Source


def to_mne(session: str | Path, probe: str, t: tuple[float, float]) -> Any:
    """Read a window of a probe as a RawArray.

    Parameters
    ----------
    session : str or Path
        The folder of a session's results.
    probe : str
        Its id.
    t : (float, float)
        Session time, seconds. The window must lie in one stretch without a gap.

    Returns
    -------
    mne.io.RawArray
        Volts, one channel of type ``dbs`` for each electrode, named by its id; positions in metres
        with the depth as z, where the file says it in µm. Intervals of ``intervals.csv`` are
        annotations. Sample 0 is at ``t[0]`` or the last before it; ``raw.info["description"]``
        says its session time.

    Raises
    ------
    UserError
        If MNE is not installed, or the window holds no samples, a gap or a clock reset.
    KeyError
        If the session has no such probe.
    """
    try:
        import mne
    except ImportError:
        raise UserError("mne is not installed. Install it: pip install 'lfpscope[mne]'.") from None
    references = open_probe(session, probe)
    pieces = list(time_range(references.clock, *t))
    if len(pieces) != 1:
        raise UserError(
            f"{references.file}: {t[0]} to {t[1]} s: expected one stretch of samples, found "
            f"{len(pieces)}. Name a window without a gap."
        )
    segment, first, stop = pieces[0]
    start = segment.t0 + (first - segment.first_sample) * segment.dt
    with Source(references) as source:
        stored = Samples(source).read(first, stop)
    volts = stored * references.scale[:, np.newaxis] + references.add
    names = [str(one) for one in references.channels.id.tolist()]
    raw = mne.io.RawArray(volts, mne.create_info(names, 1 / segment.dt, "dbs"), verbose="error")
    _set_positions(raw, references.channels)
    raw.set_annotations(_annotations(mne, Path(session), start, stop - first, segment.dt))
    raw.info["description"] = (
        f"session {references.session}, probe {references.probe}, from {start:.6f} s on"
    )
    return raw


def _set_positions(raw: Any, channels: Any) -> None:
    """Position of each channel: across the probe, 0, depth, metres."""
    axis = channels.depth_axis
    if "depth" not in channels.columns or axis is None or axis.unit != "µm":
        return
    across = channels.columns.get("across", np.zeros(channels.id.size))
    places = np.stack([across, np.zeros(channels.id.size), channels.columns["depth"]], axis=1)
    for channel, place in zip(raw.info["chs"], places * 1e-6, strict=True):
        channel["loc"][:3] = place


def _annotations(mne: Any, session: Path, start: float, n_samples: int, dt: float) -> Any:
    """Intervals that touch the window, from its first sample on, cut off at its ends."""
    length = n_samples * dt
    found = [
        (max(one.start - start, 0.0), min(one.stop - start, length), one.name)
        for one in read_intervals(session / INTERVALS)
        if one.start < start + length and one.stop >= start
    ]
    onsets, stops, names = zip(*found, strict=True) if found else ((), (), ())
    durations = np.subtract(stops, onsets) if found else []
    return mne.Annotations(list(onsets), durations, list(names))
