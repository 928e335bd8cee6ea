"""``behavior.zarr.zip`` of a session: numbers over time, each with its own times."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lfpscope.envelope.zarr_zip import Store, StoreWriter
from lfpscope.errors import UserError
from lfpscope.hdf5.isolation import IsolatedReader
from lfpscope.io.atomic import atomic
from lfpscope.nwb.behavior import Series, behavior_in_file

ARRAYS = ("start", "stop", "low", "high")
TEXTS = ("name", "path", "unit")


def list_behavior(*files: str, behavior: Path) -> None:
    """Bring running speed, pupil area and the like from a session's NWB files into one file.

    Parameters
    ----------
    files : str
        Paths or addresses; what cannot be read in one is left out, and named.
    behavior : Path
        File to write; without series where there are none.
    """
    found: list[Series] = []
    with IsolatedReader() as reader:
        for file in files:
            try:
                here, remarks = reader.call(file, behavior_in_file, file)
            except UserError as error:
                print(f"left out: {error}")
            else:
                print(f"{file}: {len(here)} series of one number", *remarks, sep="\n")
                found += here
    write_behavior(behavior, found)


def write_behavior(path: Path, series: Sequence[Series]) -> None:
    """Write series under names of their own; those that several files have, once."""
    with atomic(path) as part, StoreWriter(part) as store:
        kept = _name_each(_each_once(series))
        store.group("", {"n_series": len(kept)})
        for i, one in enumerate(kept):
            about = {name: getattr(one, name) for name in TEXTS}
            store.group(f"{i}", about | {"bucket": one.bucket, "n_samples": one.n_samples})
            # a sample is its own extremes, and begins when it ends
            for name in ARRAYS if one.bucket > 1 else ("start", "low"):
                store.whole(f"{i}/{name}", getattr(one, name), ("bucket",))


def read_behavior(path: Path) -> list[Series]:
    """Read series.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    store = Store(path)
    try:
        return [_read(store, i) for i in range(int(store.attributes()["n_series"]))]
    except (LookupError, TypeError, ValueError) as error:
        raise store.damaged(error) from None
    finally:
        store.close()


def _read(store: Store, i: int) -> Series:
    about = store.attributes(f"{i}")
    start, low = store.read(f"{i}/start"), store.read(f"{i}/low")
    is_sample = about["bucket"] == 1
    stop = start if is_sample else store.read(f"{i}/stop")
    high = low if is_sample else store.read(f"{i}/high")
    return Series(**about, start=start, stop=stop, low=low, high=high)


def _each_once(series: Sequence[Series]) -> list[Series]:
    kept: list[Series] = []
    for one in series:
        if not any(_is_same(one, other) for other in kept):
            kept.append(one)
    return kept


def _is_same(one: Series, other: Series) -> bool:
    return one.path == other.path and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in ARRAYS
    )


def _name_each(series: Sequence[Series]) -> list[Series]:
    """Give series of one name numbers."""
    named: list[Series] = []
    for one in series:
        n = sum(other.path.rpartition("/")[2] == one.name for other in named)
        named.append(replace(one, name=f"{one.name} {n + 1}" if n else one.name))
    return named
