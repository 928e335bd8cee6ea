"""Which column of an electrodes table is the depth, in what unit, and which way it counts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.doubts import Doubt
from lfpscope.hdf5.values import number
from lfpscope.typing import Mask

Column = npt.NDArray[Any]

UNITS = {  # µm of one unit, by the words that stand for it; metres last, as others end in them
    "nm|nano[ -]?met(?:re|er)s?": 1e-3,
    "[uµμ]m|microns?|micro[ -]?met(?:re|er)s?": 1.0,
    "mm|milli[ -]?met(?:re|er)s?": 1e3,
    "cm|centi[ -]?met(?:re|er)s?": 1e4,
    r"met(?:re|er)s?|(?<=\()m(?=\))|(?<=\[)m(?=\])|(?<=\bin )m": 1e6,
}
MAX_NAME = 40  # characters of a column's name in a label
MAX_SHARED = 4  # channels at one depth, and times as many as usual: more are not told apart
MIN_AGREEMENT = 0.9  # rank correlation of two columns of which each is a depth
MIN_PITCH_UM = 1.0  # contacts that are all closer are not in µm
MIN_ROW_PITCH_UM, MIN_ROWS = 5.0, 8  # nor are so many that are all closer than this
MAX_SPREAD_UM, MAX_POSITION_UM = 3e5, 1e6  # 30 cm; 1 m

# Columns that are a position along the probe, best first; then any whose name matches.
ALONG = ("probe_vertical_position", "rel_y", "depth")
POSITIONS = ("x", "y", "z", "rel_z", "rel_x")  # what else may tell where contacts lie
ALONG_NAME = re.compile(
    r"depth|vertical_pos|tip_distance|distance_(from|to)_(the_)?(probe_)?tip"
    r"|dorso_?ventral|dorsal_ventral|(^|_)dv($|_)|ccf_y|y_ccf",
    re.IGNORECASE,
)
NO_DEPTH_NAME = re.compile(r"bit|cut_?off|modulation", re.IGNORECASE)

TIP = re.compile(
    r"\b(from|above|to|relative to)\b[^.;,]{0,20}\btip\b|\btip distance\b"
    r"|\btip\b[^.;,]{0,10}\b(0|zero)\b|\b(0|zero)\b[^.;,]{0,10}\btip\b"
)
TOP = re.compile(
    r"\b(from|below|relative to)\b((?!\b(tip|to)\b)[^.;,]){0,20}\b(top|uppermost|topmost)\b"
    r"|\b(0|zero)\b((?!\btip\b)[^.;,]){0,10}\b(top|uppermost|topmost)\b"
)
SURFACE = re.compile(
    r"\b(brain|cortical|cortex|pial?|dural?|skull|tissue)('s)? surface\b"
    r"|\b(below|beneath|under|from|of|to) (the )?surface\b|\bsurface of the (brain|cortex|skull)\b"
    r"|\b(pia|dura)\b|\bcortical depth\b|\b(into|in) the (brain|cortex)\b"
)
VENTRAL = re.compile(r"\bdorso[ -]?ventral\b|\bdorsal[ -]ventral\b|\bventral\b|\bdv\b")
CCF = re.compile(r"\bccf\w*|\bcommon coordinate framework\b|\ballen\b", re.IGNORECASE)
DOWN = r"(ventral|inferior|down\w*|deep\w*|below)"
UP = r"(dorsal|superior|up\w*|above)"
POSITIVE_IS_UP = re.compile(
    rf"\b{DOWN}\W+(is |are )?negative|\bnegative\W+(is |are |values |= ?)*{DOWN}\b"
    rf"|\b{UP}\W+(is |are )?positive|\bpositive\W+(is |are |values |= ?)*{UP}\b"
    rf"|\+ ?[xyz] is {UP}\b"
)
POSITIVE_IS_DOWN = re.compile(
    rf"\b{DOWN}\W+(is |are )?positive|\bpositive\W+(is |are |values |= ?)*{DOWN}\b"
    rf"|\+ ?[xyz] is {DOWN}\b"
)
FRAMES = ("reference", "atlas", "coordinate_system", "coordinate_space")  # columns that name it
CCF_UM = {"x": 13_200.0, "y": 8_000.0, "z": 11_400.0}  # size of Allen's reference volume
CCF_LEAST_UM = 1_000.0  # a probe in the brain is farther from the corner in x and z


@dataclass(frozen=True)
class DepthAxis:
    """What the depths of the channels are.

    Attributes
    ----------
    column : str
        Name of the column of the electrodes table that they are from.
    label : str
        Title of the axis, with the unit: "distance from the tip (µm)".
    unit : str
        "µm"; empty where it is not known.
    is_downward : bool
        Whether larger numbers lie lower: depth below the surface, or an inferior coordinate.
    """

    column: str
    label: str
    unit: str = "µm"
    is_downward: bool = False


@dataclass(frozen=True)
class StoredColumn:
    """A column of an electrodes table.

    Attributes
    ----------
    name : str
        As stored.
    values : ndarray, shape (n,)
        Text, bool or float64; whole ids int64.
    description, unit : str
        Its attributes; empty where it has none.
    """

    name: str
    values: Column
    description: str = ""
    unit: str = ""

    @property
    def title(self) -> str:
        """Name in one line, cut where it is very long."""
        return " ".join(self.name.split())[:MAX_NAME]

    @property
    def words(self) -> str:
        """Name and description in lower case."""
        return " ".join(f"{self.name.replace('_', ' ')} {self.description}".lower().split())

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.values.dtype.kind == "f"


Table = dict[str, StoredColumn]
"""Columns of an electrodes table by their stored names."""


@dataclass(frozen=True)
class Depth:
    """Depths of the channels.

    Attributes
    ----------
    values : ndarray of float64, shape (n_channels,)
        In the unit of the axis; NaN where unknown.
    axis : DepthAxis
        What they are.
    doubts : tuple of Doubt
        What is uncertain about them.
    """

    values: Column
    axis: DepthAxis
    doubts: tuple[Doubt, ...] = ()


def find_depth(table: Table) -> Depth | None:
    """Find the depths of channels in the columns of their electrodes.

    Taken is the first column that has finite numbers which differ: a position along the probe or a
    depth, Allen's CCF, one of x, y, z that says that it is a depth, or the one that spreads most.

    Parameters
    ----------
    table : dict of str to StoredColumn
        Columns with one value for each channel.

    Returns
    -------
    Depth or None
        None where no column differs between the channels.
    """
    table = {name: _finite(column) for name, column in table.items()}
    along = next((table[name] for name in _along(table) if _differs(table[name])), None)
    if along is not None:
        return _depth(along, _meaning(along))
    ccf = _in_ccf(table)
    if ccf is not None:
        return ccf
    positions = [table[name] for name in "xyz" if name in table and _differs(table[name])]
    described = [column for column in positions if _meaning(column) != "position"]
    if described:
        column = max(described, key=_spread)
        return _depth(column, _meaning(column))
    across = [table[n] for n in ("rel_z", "rel_x") if n in table and _differs(table[n])]
    for column in [*sorted(positions, key=_spread, reverse=True), *across][:1]:
        if _spread(column) > 0:
            text = f"no position along the probe: depth is {column.title} as stored"
            return _depth(column, "position", Doubt("labels", text))
    return None


def depth_doubts(table: Table, depth: Depth, parts: Iterable[Mask]) -> Iterator[Doubt]:
    """Doubt depths that another column contradicts, or that many channels share.

    Parameters
    ----------
    table : dict of str to StoredColumn
        Columns with one value for each channel.
    depth : Depth
        As `find_depth` found it there.
    parts : iterable of ndarray of bool, shape (n_channels,)
        Channels of each shank or group.
    """
    parts, taken = list(parts), depth.axis.column
    for column in (_finite(table[name]) for name in _along(table)):
        if column.title == taken or not _differs(column):
            continue
        if any(_disagree(depth.values[part], column.values[part]) for part in parts):
            text = f"columns {taken} and {column.title} order the channels differently"
            yield Doubt("labels", f"{text}: {taken} is used")
    for part in parts:
        values, n = np.unique(_known(depth.values[part]), return_counts=True)
        if n.size > 1 and n.max() >= MAX_SHARED * max(1.0, float(np.median(n))):
            value = values[np.argmax(n)]
            text = f"{n.max()} channels have the same {taken}, {value:g}: is it known?"
            yield Doubt("labels", text)


def _disagree(one: Column, other: Column) -> bool:
    """Tell whether two columns order channels neither alike nor in reverse."""
    both = np.isfinite(one) & np.isfinite(other)
    rank, others = (np.unique(values[both], return_inverse=True)[1] for values in (one, other))
    if both.sum() < MAX_SHARED or min(np.ptp(rank), np.ptp(others)) < 2:
        return False
    return bool(abs(np.corrcoef(rank, others)[0, 1]) < MIN_AGREEMENT)


def unit_of(column: StoredColumn) -> float | None:
    """µm of one unit, as the file states it; None where it does not, or names several."""
    words = f"{column.unit} {column.description} {column.name.replace('_', ' ')}"
    if column.unit.strip().lower() == "m":
        return 1e6
    found = set()
    for pattern, size in UNITS.items():
        words, n = re.subn(rf"(?<![a-zµμ])({pattern})(?![a-zµμ])", "", words, flags=re.IGNORECASE)
        found |= {size} if n else set()
    return found.pop() if len(found) == 1 else None


# --- which column -------------------------------------------------------------------------------


def is_depth_name(name: str) -> bool:
    """Tell whether a column of this name may be a position along the probe."""
    return name in ALONG or bool(ALONG_NAME.search(name) and not NO_DEPTH_NAME.search(name))


def _along(table: Table) -> list[str]:
    names = [name for name in ALONG if name in table]
    return names + sorted(name for name in table if is_depth_name(name) and name not in ALONG)


def _finite(column: StoredColumn) -> StoredColumn:
    """Numbers of a position, also where they are stored as text; NaN where they are infinite."""
    values = column.values
    if values.dtype.kind == "U" and (is_depth_name(column.name) or column.name in POSITIONS):
        values = np.array([number(value or np.nan) for value in values.tolist()])
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, np.nan)
    return StoredColumn(column.name, values, column.description, column.unit)


def _known(values: Column) -> Column:
    return values[np.isfinite(values)]


def _differs(column: StoredColumn) -> bool:
    """Whether a column has numbers that differ, or the one number of a single channel."""
    if not column.is_number:
        return False
    known = _known(column.values)
    return bool(known.size and (np.ptp(known) > 0 or column.values.size == 1))


def _spread(column: StoredColumn) -> float:
    return float(np.ptp(_known(column.values)))


def _meaning(column: StoredColumn) -> str:
    """What a column is: "tip", "top", "surface", "ventral", "ccf", "depth", "along", "position"."""
    words = column.words
    if TOP.search(words) and not SURFACE.search(words):
        return "top"
    if column.name == "probe_vertical_position" or TIP.search(words):
        return "tip"
    if CCF.search(words) and column.name not in (*ALONG, *"xyz"):
        return "ccf"
    if SURFACE.search(words):
        return "surface"
    if VENTRAL.search(words):
        return "ventral"
    if "depth" in (words if column.name in POSITIONS else column.name.lower()):
        return "depth"
    return "along" if is_depth_name(column.name) else "position"


def _in_ccf(table: Table) -> Depth | None:
    """Depth from y where x, y, z are coordinates of Allen's CCF: stated, or by their size."""
    axes = [table[name] for name in "xyz" if name in table and table[name].is_number]
    y = table.get("y")
    if y is None or not y.is_number:
        return None
    frames = [table[name] for name in FRAMES if name in table]
    words = [one.description for one in axes] + [str(v) for one in frames for v in one.values[:1]]
    stated = any(CCF.search(one) for one in words)
    values = np.where(y.values < 0, np.nan, y.values)  # −1 where it is not registered
    y = StoredColumn(y.name, values, y.description, y.unit)
    if not _differs(y) or not (stated or (len(axes) == 3 and _fits_ccf(axes))):
        return None
    text = "x, y, z look like Allen's CCF in µm: drawn by y, inferior down"
    return _depth(y, "ccf", *([] if stated else [Doubt("labels", text)]))


def _fits_ccf(axes: list[StoredColumn]) -> bool:
    """Tell whether registered positions lie in Allen's volume, away from its corner."""
    registered = np.all([one.values >= 0 for one in axes], axis=0)
    unknown = np.all([np.isnan(one.values) | (one.values == -1) for one in axes], axis=0)
    if not registered.any() or not (registered | unknown).all():
        return False
    least = {"x": CCF_LEAST_UM, "y": 0.0, "z": CCF_LEAST_UM}
    return all(
        one.values[registered].max() <= CCF_UM[one.name]
        and np.median(one.values[registered]) >= least[one.name]
        for one in axes
    )


# --- in what unit, and which way ----------------------------------------------------------------


def _depth(column: StoredColumn, meaning: str, *doubts: Doubt) -> Depth:
    stated = unit_of(column)
    assumed = None if meaning in ("position", "ventral") else 1.0
    size = assumed if stated is None else stated
    values, unit, words = column.values, "", "unit not stated"
    found = list(doubts)
    if size is not None:
        low, high = np.min(_known(values)), np.max(_known(values))
        if _is_plausible(size * values):
            values, unit, words = size * values, "µm", "µm"
        else:
            words = "unit doubtful"
            name = next(n for n, s in NAMES.items() if s == size)
            text = f"{column.title} of {low:g} to {high:g} can hardly be {name}: unit not known"
            found.append(Doubt("labels", text))
    is_downward = _is_downward(column, meaning)
    if meaning == "depth":
        text = f"column {column.title} does not say from where: taken as below the surface"
        found.append(Doubt("labels", text))
    label = _label(column.title, meaning, words, is_downward=is_downward)
    return Depth(values, DepthAxis(column.title, label, unit, is_downward), tuple(found))


NAMES = {"nm": 1e-3, "µm": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}


def _is_plausible(depth: Column) -> bool:
    """Tell whether depths can be those of contacts, µm."""
    known = np.unique(_known(depth))
    if np.abs(known).max() > MAX_POSITION_UM or np.ptp(known) > MAX_SPREAD_UM:
        return False
    steps = np.diff(known)
    if not steps.size:
        return True
    pitch = float(steps.max())
    return pitch >= (MIN_PITCH_UM if known.size < MIN_ROWS else MIN_ROW_PITCH_UM)


def _is_downward(column: StoredColumn, meaning: str) -> bool:
    """Tell whether larger numbers lie lower: as stated, else by what the column is."""
    if meaning == "tip":
        return False
    if POSITIVE_IS_UP.search(column.words):
        return False
    if meaning == "ccf" or POSITIVE_IS_DOWN.search(column.words):
        return True
    if meaning in ("top", "surface", "ventral", "depth"):  # below the surface is negative for some
        return bool(np.median(_known(column.values)) >= 0)
    return False


def _label(name: str, meaning: str, unit: str, *, is_downward: bool) -> str:
    down = ", down" if is_downward else ""
    if meaning == "tip":
        return f"distance from the tip ({unit})"
    if meaning == "top":
        return f"distance from the top ({unit})"
    if meaning == "along":
        return f"position along the probe ({name}, {unit}{down})"
    if meaning == "surface":
        return f"depth {'below' if is_downward else 'from'} the surface ({unit})"
    if meaning == "depth":
        sign = "" if is_downward else "negative "
        return f"{name} ({unit}, taken as {sign}below the surface)"
    if meaning == "ccf":
        return f"CCF {name} ({unit}, {'inferior down' if is_downward else 'superior up'})"
    if meaning == "ventral":
        return f"{name} ({unit}, ventral down)"
    stored = " as stored" if unit != "µm" else ""
    return f"{name}{stored} ({unit}{', inferior down' if is_downward else ''})"
