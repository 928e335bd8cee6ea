"""What transforms must know of a probe's channels: which are bad, where they stand, their steps."""

from pathlib import Path

import numpy as np

from lfpscope.envelope.read import OpenProbe
from lfpscope.formatting import count_text
from lfpscope.nwb.electrodes import Channels
from lfpscope.result_files import BAD_CHANNELS, CHANNELS
from lfpscope.samples.channel_labels import read_labels, read_labels_by_hand
from lfpscope.samples.contacts import contact_columns, why_no_distances
from lfpscope.signals.csd import TOO_FEW
from lfpscope.signals.transform import Contacts, Site, Transform
from lfpscope.typing import Floats, Mask

FLOAT_STEPS = 256.0  # quantisation steps of a float in the standard deviation of its channel
N_COMPARED = 3  # contacts in a difference
LEAST_PART = 0.1  # of the largest weight: what counts less is there for distances alone
FINER = 16.0  # parts of a count, of differences over depth of filtered samples
WRONG_LABELS, OUTSIDE = ("dead", "noisy"), "outside"  # outside it is a potential all the same


def site_of(probe: OpenProbe, marked: Mask) -> Site:
    """What is known of a probe's channels, with those that a user marked as bad."""
    references = probe.references
    columns, ids = references.channels.columns, references.channels.id.tolist()
    found, by_hand = label_tables(probe)
    labels = read_labels(found, by_hand, references.probe, ids).get("label")
    if labels is None:  # the pass has not been made yet
        given = read_labels_by_hand(by_hand, references.probe)
        labels = [given.get(one, "") for one in ids]
    wrong = probe.dead | marked | np.isin(labels, WRONG_LABELS)
    bad = wrong | np.isin(labels, [OUTSIDE])
    depth = columns.get("depth", np.arange(len(ids), dtype=np.float64))
    group = {str(name): columns[name] for name in ("shank", "area") if name in columns}
    contacts = _contacts_of(references.channels, np.asarray(wrong, np.bool_))
    return Site(np.asarray(bad, np.bool_), np.asarray(depth, np.float64), group, contacts)


def _contacts_of(channels: Channels, wrong: Mask) -> Contacts | None:
    """Where channels stand; None where their distances are not known."""
    axis = channels.depth_axis
    if axis is None or why_no_distances(channels):
        return None
    z = np.asarray(channels.columns["depth"], np.float64)
    z = -z if axis.is_downward else z
    return Contacts(z, contact_columns(channels), np.isfinite(z) & ~wrong)


def distances_text(site: Site) -> str:
    """How far neighbours are apart that are compared, in words."""
    assert site.contacts is not None  # noqa: S101 - as of a probe with a transform over depth
    z, column, used = site.contacts.z, site.contacts.column, site.contacts.used
    columns = [np.unique(z[used & (column == one)]) for one in np.unique(column[used])]
    compared = [np.diff(one) for one in columns if one.size >= 3]
    distances = np.concatenate(compared)
    low, high = (f"{one:.4g}" for one in (distances.min(), distances.max()))
    apart = low if low == high else f"{low} to {high}"
    return f"contacts {apart} µm apart in {count_text(len(compared), 'column')}"


def label_tables(probe: OpenProbe) -> tuple[Path, Path]:
    """Where the labels that were found stand, and those by hand."""
    folder = probe.references.file.parent
    return folder / CHANNELS, folder.parents[1] / BAD_CHANNELS


def quantum_of(probe: OpenProbe) -> Floats:
    """Quantisation step of each channel, volts; of floats a small part of their deviation."""
    scale = np.abs(probe.references.scale)
    if probe.references.layout.dtype.kind != "f":
        return np.asarray(scale, np.float64)
    step = probe.step
    found = scale * step if step else probe.std / FLOAT_STEPS
    return np.where(np.isfinite(found) & (found > 0), found, 1e-9)


def quantum_over_depth(
    probe: OpenProbe, transform: Transform, site: Site, quantum: Floats
) -> Floats:
    """Step of each channel in A/m³ or V/m; 0 where there is no value.

    The least that one count of a channel's own or a neighbour makes: of equal distances all values
    are whole numbers of it. A filter averages counts, and neighbours differ by less than their
    potential: then, and of floats without a step, it is FINER.

    Raises
    ------
    ValueError
        If nothing can be computed, in a line.
    """
    if site.contacts is None:
        raise ValueError(why_no_distances(probe.references.channels))
    # each difference takes three levels in a row, and so one value of each of these columns
    apart = np.zeros((quantum.size, N_COMPARED))
    known = np.flatnonzero(site.contacts.used)
    apart[known, site.contacts.levels[known] % N_COMPARED] = quantum[known]
    made = np.abs(site.contacts.compute(apart, transform.reference))
    counts = made > LEAST_PART * made.max(axis=1, keepdims=True)
    steps = np.where(counts, made, np.inf).min(axis=1)
    if not np.isfinite(steps).any():
        raise ValueError(TOO_FEW)
    is_stepless = probe.references.layout.dtype.kind == "f" and not probe.step
    is_filtered = transform.taps(1 / probe.references.clock.dt).size > 1
    finer = FINER if is_stepless or is_filtered else 1.0
    return np.where(np.isfinite(steps), steps / finer, 0.0)
