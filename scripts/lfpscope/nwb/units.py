"""How the stored numbers of a series become volts, and what makes that doubtful."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt
from lfpscope.errors import UserError
from lfpscope.hdf5.decode import decode
from lfpscope.hdf5.layout import Layout
from lfpscope.hdf5.values import is_text, member, number, scalar, text
from lfpscope.typing import Floats

VOLTS = {"", "v", "volt", "volts"}
PARTS_OF_A_VOLT = {  # names in lower case, with u for µ
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e-3),
    **dict.fromkeys(("uv", "microvolt", "microvolts", "uvolt", "uvolts"), 1e-6),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-9),
}
NAMES = {1e-3: "millivolts", 1e-6: "microvolts", 1e-9: "nanovolts"}
GAIN_LIMITS = (1e-18, 1e12)  # V per stored unit: beyond them a number is no gain
# Median absolute deviation of a channel, V:
PLAUSIBLE_V = (1e-7, 3e-3)  # of LFP: it is 5 to 500 µV
POSSIBLE_V = (1e-9, 0.1)  # of a recording in volts, whatever it is of
AMPLIFIER_GAIN = 20.0  # numbers from here on are no µV per count
AGREEMENT = 1e-3  # of gains and offsets that are stored twice, relative
MAX_SHOWN = 40  # characters of a text of the file in a message
ASK = "Ask who wrote the file."

SPOTS = (0.5, 0.25, 0.75, 0.9, 0.1)  # of the recording, where samples are looked at: as many
N_SPOTS = 3  # as this can be read
SPOT_ROWS, SPOT_BYTES = (64, 2048), 1 << 20
ENOUGH_BYTES = 1 << 22  # after which no further place is looked at: over a network they cost
MAX_SPOT_BYTES = 1 << 26  # of a chunk that is decoded for it


@dataclass(frozen=True)
class Units:
    """Volts from stored numbers: ``(stored * conversion * each + offset) * factor``.

    Attributes
    ----------
    conversion, offset : float
        With the factor of the unit in them.
    each : ndarray of float64, shape (n_channels,), or None
        A further gain of each channel; None where there is none.
    factor : float
        Volts of the unit in which the series is stored; 1 where NWB's rule holds.
    doubts : tuple of Doubt
        What is uncertain about them.
    """

    conversion: float
    offset: float
    each: Floats | None
    factor: float
    doubts: tuple[Doubt, ...]


def read_units(
    series: h5py.Group, layout: Layout, gains: dict[str, Floats], *, n_channels: int
) -> Units:
    """Read how stored numbers become volts.

    Parameters
    ----------
    series : h5py.Group
        The ElectricalSeries.
    layout : Layout
        Of its data.
    gains : dict of str to ndarray
        Columns of the electrodes table that say the same: ``gain_to_uV`` and so on.
    n_channels : int
        Channels of the data.

    Raises
    ------
    UserError
        If gain or offset are no numbers, do not fit the channels, or make no volts.
    """
    doubts: list[Doubt] = []
    conversion = _numbers(series["data"], "conversion", 1.0, n_channels)
    offsets = np.unique(_numbers(series["data"], "offset", 0.0, n_channels))
    if offsets.size > 1:
        raise UserError(
            f"{_where(series['data'], 'offset')} has {offsets.size} different numbers (expected "
            "one for all channels). Convert the file to one offset."
        )
    each = _channel_conversion(series, n_channels)
    if conversion.size > 1:  # as asked for in pynwb 1064
        each = conversion * (1.0 if each is None else each)
        conversion = np.ones(1)
        doubts.append(Doubt("values", "conversion has a number for each channel: each is used"))
    one, offset = float(conversion[0]), float(offsets[0])
    _check_gains(series, one * (np.ones(1) if each is None else each))
    scale = one * (np.ones(n_channels) if each is None else each)
    typical = _typical(series["data"], layout, scale)
    unit = text(series["data"].attrs.get("unit")).strip()
    factor, about_unit = _unit(unit, typical)
    doubts += about_unit + _contradictions(gains, scale * factor, offset * factor, typical * factor)
    return Units(one * factor, offset * factor, each, factor, tuple(doubts))


# --- what is stored -----------------------------------------------------------------------------


def _where(item: h5py.Dataset, attribute: str) -> str:
    return f"{item.file.filename}: {item.name}: attribute {attribute}"


def _numbers(data: h5py.Dataset, name: str, default: float, n_channels: int) -> Floats:
    """Attribute of the data as one number, or as one for each channel."""
    stored = data.attrs.get(name)
    values = np.atleast_1d(np.asarray(default if scalar(stored) is None else stored)).reshape(-1)
    if values.size not in (1, n_channels):
        raise UserError(
            f"{_where(data, name)} has shape {np.shape(stored)} (expected one number, or one for "
            f"each of {n_channels} channels). {ASK}"
        )
    numbers = np.array([number(value) for value in values.tolist()])
    wrong = [value for value in values.tolist() if not np.isfinite(number(value))]
    if wrong:
        found = repr(text(wrong[0])[:MAX_SHOWN]) if is_text(wrong[0]) else text(wrong[0])
        raise UserError(f"{_where(data, name)} is {found} (expected a finite number). {ASK}")
    return numbers


def _channel_conversion(series: h5py.Group, n_channels: int) -> Floats | None:
    stored = member(series, "channel_conversion")
    if stored is None:
        return None
    where = f"{series.file.filename}: {stored.name}"
    if stored.size != n_channels or stored.dtype.kind not in "iuf":
        raise UserError(
            f"{where}: channel_conversion of shape {stored.shape} for {n_channels} channels "
            f"(expected one number each). {ASK}"
        )
    values = np.asarray(stored[()], dtype=np.float64).reshape(-1)
    if not np.isfinite(values).all():
        raise UserError(
            f"{where}: channel_conversion of {values[~np.isfinite(values)][0]} (expected finite "
            f"numbers). {ASK}"
        )
    return values


def _check_gains(series: h5py.Group, gains: Floats) -> None:
    """Refuse gains that make no volts. A single channel of gain 0 is one that is switched off."""
    sizes = np.abs(gains[gains != 0])
    low, high = GAIN_LIMITS
    wrong = sizes[(sizes < low) | (sizes > high)]
    if wrong.size or not sizes.size:
        found = wrong[0] if wrong.size else 0.0
        each = " with channel_conversion" * ("channel_conversion" in series)
        raise UserError(
            f"{_where(series['data'], 'conversion')}{each} makes {found:g} V of one stored unit "
            f"(expected {low:g} to {high:g} V). {ASK}"
        )


# --- whether it can be right --------------------------------------------------------------------


def _unit(unit: str, typical: float) -> tuple[float, list[Doubt]]:
    """Volts of the unit, and what is doubtful about it, by the typical amplitude as NWB reads it.

    NWB has volts after `conversion`. Another unit is believed only where volts cannot be.
    """
    unit = unit[:MAX_SHOWN]
    name = unit.lower().replace("µ", "u").replace("μ", "u").replace(" ", "")
    amplitude = f"{float(f'{typical:.2g}'):g} V"
    if name in VOLTS:
        if _lies(typical, PLAUSIBLE_V):
            return 1.0, []
        size = "large" if typical > PLAUSIBLE_V[1] else "small"
        words = f"a typical amplitude of {amplitude} is {size} for LFP: is conversion right?"
        if not _lies(typical, POSSIBLE_V):
            words = f"a typical amplitude of {amplitude}: conversion can hardly be right"
        return 1.0, [Doubt("values", words)]
    factor = PARTS_OF_A_VOLT.get(name, 1.0)
    if factor < 1 and typical > PLAUSIBLE_V[1] and _lies(typical * factor, PLAUSIBLE_V):
        words = f"unit {unit!r}: taken as {NAMES[factor]}, as a typical {amplitude} is no LFP"
        return factor, [Doubt("values", words)]
    words = f"unit {unit!r}: taken as volts after conversion, as NWB says"
    if not _lies(typical, POSSIBLE_V):
        words += f", which makes a typical amplitude of {amplitude}"
    return 1.0, [Doubt("values", words)]


def _lies(typical: float, limits: tuple[float, float]) -> bool:
    """Tell whether an amplitude lies between limits, or is unknown."""
    return bool(np.isnan(typical) or limits[0] <= typical <= limits[1])


def _contradictions(
    stored: dict[str, Floats], scale: Floats, offset: float, typical: float
) -> list[Doubt]:
    """Doubt gains and offsets of the electrodes table that differ from the series' own.

    NWB defines no such columns; SpikeInterface and its predecessor write them, in µV.
    """
    names, details = [], []
    name = next((one for one in ("gain_to_uV", "gain") if one in stored), "")
    ratio = _ratio(stored[name], scale, micro=name != "gain") if name else 1.0
    read_by_columns = typical / abs(ratio)
    if abs(ratio - 1) > AGREEMENT and not (
        _lies(typical, PLAUSIBLE_V) and not _lies(read_by_columns, PLAUSIBLE_V)
    ):
        names, details = [name], [f"volts are {ratio:.3g} times theirs"]
    name = next((one for one in ("offset_to_uV", "offset") if one in stored), "")
    apart = _apart(stored[name], offset, typical, micro=name != "offset") if name else 0.0
    if apart:
        names, details = [*names, name], [*details, f"{1e3 * apart:.3g} mV off"]
    if not names:
        return []
    columns = "column" if len(names) == 1 else "columns"
    verb = "contradicts" if len(names) == 1 else "contradict"
    words = f"electrodes {columns} {', '.join(names)} {verb} the series: {', '.join(details)}"
    return [Doubt("values", words)]


def _ratio(gains: Floats, scale: Floats, *, micro: bool) -> float:
    """Return how many times the series' gain is that of a column, where they differ first."""
    used = np.isfinite(gains) & (gains != 0) & (scale != 0)
    if not micro:  # it may be in V or in µV, an amplifier's, or a filler
        used &= (np.abs(gains) < AMPLIFIER_GAIN) & (gains != 1)
    with np.errstate(over="ignore"):  # absurd gains
        ratios = scale[used] / gains[used]
        in_microvolts = 1e6 * ratios
    differ = np.abs(in_microvolts - 1) > AGREEMENT
    if not micro:
        differ &= np.abs(ratios - 1) > AGREEMENT
    return float(in_microvolts[differ][0]) if differ.any() else 1.0


def _apart(offsets: Floats, offset: float, typical: float, *, micro: bool) -> float:
    """Return how far the series' offset is from that of a column, V; 0 where they agree.

    A column that may be in V or in µV is read so that it makes a difference to the signal.
    """
    known = offsets[np.isfinite(offsets)]
    off = [_off(offset, 1e-6 * known)] + ([] if micro else [_off(offset, known)])
    matters = [one for one in off if abs(one) > typical]
    return min(matters if matters and all(off) else off, key=abs)


def _off(offset: float, others: Floats) -> float:
    apart = offset - others
    differ = np.abs(apart) > AGREEMENT * np.maximum(np.abs(others), abs(offset))
    return float(apart[differ][0]) if differ.any() else 0.0


# --- a few samples ------------------------------------------------------------------------------


def _typical(data: h5py.Dataset, layout: Layout, scale: Floats) -> float:
    """Return the median absolute deviation that channels have in a few places, V.

    NaN where nothing varies there, or nothing can be read.
    """
    found: list[Floats] = []
    for left, block in _samples(data, layout):
        with np.errstate(all="ignore"):  # stored inf, and gains of 0
            volts = block * scale[left : left + block.shape[1]]
        volts[~np.isfinite(volts)] = np.nan
        volts = volts[:, ~np.isnan(volts).all(axis=0)]
        if not volts.size:
            continue
        middle = np.nanmedian(volts, axis=0)
        found.append(np.nanmedian(np.abs(volts - middle), axis=0))
    sizes = np.concatenate([np.empty(0), *found])
    return float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else np.nan


def _samples(data: h5py.Dataset, layout: Layout) -> Iterator[tuple[int, Floats]]:
    """Yield blocks (time, channel) from a few places, each with its first channel.

    A chunk that is damaged or missing is passed over: the summary says which.
    """
    spent, n_read = 0, 0
    if data.chunks and layout.chunk_bytes > MAX_SPOT_BYTES:
        return
    for spot in SPOTS:
        try:
            left, block = _chunks(data, layout, spot) if data.chunks else _rows(data, layout, spot)
        except (OSError, RuntimeError, ValueError, KeyError):
            continue
        yield left, block.astype(np.float64)
        spent, n_read = spent + (layout.chunk_bytes if data.chunks else block.nbytes), n_read + 1
        if n_read == N_SPOTS or spent > ENOUGH_BYTES:
            return


def _rows(data: h5py.Dataset, layout: Layout, spot: float) -> tuple[int, npt.NDArray[Any]]:
    """Read some rows of contiguous data; of one channel where each lies by itself."""
    n_samples, n_channels = layout.shape
    least, most = SPOT_ROWS
    fitting = SPOT_BYTES // (n_channels * layout.dtype.itemsize)
    n = most if layout.order == "F" else max(least, min(most, fitting))
    first = int(spot * max(0, n_samples - n))
    rows = slice(first, first + n)
    left = int(spot * n_channels)
    if data.ndim == 1:
        return 0, data[rows][:, np.newaxis]
    return (left, data[left : left + 1, rows].T) if layout.order == "F" else (0, data[rows])


def _chunks(data: h5py.Dataset, layout: Layout, spot: float) -> tuple[int, npt.NDArray[Any]]:
    """Decode a chunk, or as many as make some rows."""
    (n_rows, n_columns), (length, width) = layout.grid, layout.chunks
    n = -(-SPOT_ROWS[0] // length)
    first, column = int(spot * max(0, n_rows - n)), int(spot * n_columns)
    blocks = []
    for row in range(first, min(first + n, n_rows)):
        at = (row * length, column * width)
        stored_at = (at[::-1] if layout.order == "F" else at)[: data.ndim]
        size = data.id.get_chunk_info_by_coord(stored_at).size
        if not 0 < size < 2 * MAX_SPOT_BYTES:  # HDF5 would allocate what an index claims
            raise ValueError("a chunk that is missing, or of an absurd size")
        mask, raw = data.id.read_direct_chunk(stored_at)
        if mask:
            raise ValueError("a chunk that skips a filter")
        inside = (layout.shape[0] - at[0], layout.shape[1] - at[1])
        blocks.append(decode(raw, layout)[: inside[0], : inside[1]])
    return column * width, np.concatenate(blocks)[: SPOT_ROWS[1]]
