"""``evoked.zarr.zip`` and ``evoked.csv``: averages of a probe on disk."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lfpscope.envelope.zarr_zip import Store, StoreWriter
from lfpscope.errors import UserError
from lfpscope.evoked.averages import Evoked
from lfpscope.io.atomic import atomic
from lfpscope.io.tables import write_table
from lfpscope.nwb.stored_csd import StoredCsd
from lfpscope.references.model import ProbeReferences
from lfpscope.typing import Floats

VOLTS = {"units": "V"}
CSD = "stored_csd"  # the group of the CSD that the NWB file stores
MAX_SEM = 1e4  # stored, as half precision: it holds 8 decades below
COLUMNS = (
    *("kind", "channel", "index", "depth_um", "area", "n", "dropped", "baseline"),
    *("latency", "peak", "sign", "p"),
)


@dataclass(frozen=True)
class Stored:
    """An average as it is stored.

    Attributes
    ----------
    name : str
        Of the kind.
    condition : tuple of (str, str)
        Column and value; empty strings for all intervals of a name.
    duration : float
        Median of the intervals' durations, seconds.
    time : ndarray of float64, shape (n_times,)
        Seconds from the onset.
    mean, sem : ndarray of float64, shape (n_channels, n_times)
        Volts.
    n : ndarray of int64, shape (n_channels,)
        Trials.
    baseline : ndarray of float64, shape (n_channels,)
        Volts.
    dropped : dict of str to ndarray of int64, shape (n_channels,)
        Trials, by reason.
    """

    name: str
    condition: tuple[str, str]
    duration: float
    time: Floats
    mean: Floats
    sem: Floats
    n: npt.NDArray[np.int64]
    baseline: Floats
    dropped: dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class StoredEvoked:
    """What ``evoked.zarr.zip`` holds of a probe.

    Attributes
    ----------
    kinds : list of Stored
        Averages.
    remarks : list of str
        What was not averaged, and how the file's own CSD was converted.
    csd : StoredCsd or None
        The CSD that the NWB file stores.
    """

    kinds: list[Stored]
    remarks: list[str]
    csd: StoredCsd | None = None


def write_evoked(
    path: Path,
    found: Sequence[Evoked],
    references: ProbeReferences,
    remarks: Sequence[str] = (),
    csd: StoredCsd | None = None,
) -> None:
    """Write the averages of a probe: a group for each kind, and one for the file's own CSD.

    Equal averages give equal bytes.
    """
    _, *names = group_names([CSD, *(one.kind.name for one in found)])
    with atomic(path) as part, StoreWriter(part) as store:
        attributes = {
            "session": references.session,
            "probe": references.probe,
            "places": references.lfp.crc,
            "groups": names,
            "remarks": list(remarks),
            "has_csd": csd is not None,
        }
        store.group("", attributes)
        for name, one in zip(names, found, strict=True):
            _write_group(store, name, one, references.channels.id)
        if csd is not None:
            _write_csd(store, csd)


def _write_group(store: StoreWriter, name: str, one: Evoked, ids: npt.NDArray[np.int64]) -> None:
    average, both = one.average, ("channel", "time")
    reasons = list(average.dropped)
    kind = one.kind
    described = {"name": kind.name, "condition": list(kind.condition), "duration": kind.duration}
    store.group(name, described | {"reasons": reasons})
    store.whole(f"{name}/time", average.time, ("time",), {"units": "s"})
    store.whole(f"{name}/channel", ids, ("channel",), {"long_name": "electrode id"})
    store.whole(f"{name}/mean", average.mean.astype(np.float32), both, VOLTS)
    largest = np.nanmax(average.sem, initial=1e-12)
    factor = 10.0 ** np.ceil(np.log10(max(largest, 1e-12) / MAX_SEM))
    with np.errstate(over="ignore"):
        sem = (average.sem / factor).astype(np.float16)
    store.whole(f"{name}/sem", sem, both, VOLTS | {"scale_factor": float(factor)})
    store.whole(f"{name}/n", average.n, ("channel",))
    store.whole(f"{name}/baseline", average.baseline, ("channel",), VOLTS)
    if reasons:
        dropped = np.stack([average.dropped[reason] for reason in reasons])
        store.whole(f"{name}/dropped", dropped, ("reason", "channel"))


def _write_csd(store: StoreWriter, csd: StoredCsd) -> None:
    store.group(CSD, {"remark": csd.remark})
    store.whole(f"{CSD}/time", csd.time, ("time",), {"units": "s"})
    store.whole(f"{CSD}/depth", csd.depth_um, ("contact",), {"units": "um"})
    density = csd.density.astype(np.float32)
    store.whole(f"{CSD}/density", density, ("contact", "time"), {"units": "A m-3"})


def read_evoked(path: Path, references: ProbeReferences | None = None) -> StoredEvoked:
    """Read the averages of a probe.

    Raises
    ------
    UserError
        If the file is missing, damaged, or made of another probe than the references.
    """
    store = Store(path)
    try:
        attributes = store.attributes()
        if references is not None and attributes["places"] != references.lfp.crc:
            raise UserError(
                f"{path}: made of another file or probe than {references.file} describes. "
                "Run the pipeline again."
            )
        kinds = [_read_group(store, name) for name in attributes["groups"]]
        csd = _read_csd(store) if attributes["has_csd"] else None
        return StoredEvoked(kinds, attributes["remarks"], csd)
    except (LookupError, TypeError, ValueError) as error:
        raise store.damaged(error) from None
    finally:
        store.close()


def _read_csd(store: Store) -> StoredCsd:
    time, depth, density = (store.read(f"{CSD}/{name}") for name in ("time", "depth", "density"))
    return StoredCsd(time, depth, density.astype(np.float64), store.attributes(CSD)["remark"])


def _read_group(store: Store, name: str) -> Stored:
    attributes = store.attributes(name)
    factor = store.attributes(f"{name}/sem")["scale_factor"]
    column, value = attributes["condition"]
    reasons = attributes["reasons"]
    dropped = store.read(f"{name}/dropped") if reasons else ()
    return Stored(
        attributes["name"],
        (column, value),
        float(attributes["duration"]),
        store.read(f"{name}/time"),
        store.read(f"{name}/mean").astype(np.float64),
        store.read(f"{name}/sem").astype(np.float64) * factor,
        store.read(f"{name}/n"),
        store.read(f"{name}/baseline"),
        dict(zip(reasons, dropped, strict=True)),
    )


def group_names(names: Iterable[str]) -> list[str]:
    """Names of groups: letters, digits, ``._-``; each once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^\w.-]+", "_", name).strip("._")[:100] or "intervals"
        same = sum(one == plain or one.startswith(f"{plain}~") for one in found)
        found.append(f"{plain}~{same + 1}" if same else plain)
    return found


def write_responses(path: Path, found: Sequence[Evoked], references: ProbeReferences) -> None:
    """Write ``evoked.csv``: a row for each kind and channel; volts and seconds."""
    write_table(path, COLUMNS, [row for one in found for row in _rows(one, references)])


def _rows(one: Evoked, references: ProbeReferences) -> list[dict[str, Any]]:
    channels, response, average = references.channels, one.response, one.average
    depth, area = channels.columns.get("depth"), channels.columns.get("area")
    dropped = sum(average.dropped.values(), np.zeros(average.n.size, dtype=np.int64))
    rows = []
    for i, channel in enumerate(channels.id.tolist()):
        peak = response.peak[i]
        rows.append(
            {
                "kind": one.kind.name,
                "channel": channel,
                "index": i,
                "depth_um": "" if depth is None else _cell(depth[i]),
                "area": "" if area is None else area[i],
                "n": int(average.n[i]),
                "dropped": int(dropped[i]),
                "baseline": _cell(average.baseline[i]),
                "latency": _cell(response.latency[i]),
                "peak": _cell(peak),
                "sign": "" if np.isnan(peak) else "−" if peak < 0 else "+",
                "p": _cell(response.p[i]),
            }
        )
    return rows


def _cell(number: float) -> str:
    return "" if np.isnan(number) else f"{number:.6g}"
