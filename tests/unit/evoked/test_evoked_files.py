"""Averages on disk: what is written is read, by xarray as well."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from recorded import index
from zarr.storage import ZipStore

from lfpscope.errors import UserError
from lfpscope.evoked.averages import average_intervals
from lfpscope.evoked.files import (
    StoredEvoked,
    group_names,
    read_evoked,
    write_evoked,
    write_responses,
)
from lfpscope.evoked.kinds import Kind
from lfpscope.nwb.stored_csd import StoredCsd
from lfpscope.references.model import ProbeReferences

KINDS = [
    Kind("natural scenes/é", (10.6, 11.0, 11.4), 0.25),
    Kind("b", (10.7, 11.1, 99.0), 0.5, ("orientation", "45.0")),
]


@pytest.fixture
def references(tmp_path: Path) -> ProbeReferences:
    values = np.random.default_rng(0).normal(scale=1e-4, size=(3000, 3)).astype(np.float32)
    values[:, 2] = np.nan
    return index(tmp_path, values, chunks=(500, 1))


def test_what_is_written_is_read(references: ProbeReferences, tmp_path: Path) -> None:
    found = average_intervals(references, KINDS)
    write_evoked(tmp_path / "evoked.zarr.zip", found, references, ["left out: x"])
    content = read_evoked(tmp_path / "evoked.zarr.zip", references)
    assert content.remarks == ["left out: x"]
    stored = content.kinds
    assert [one.name for one in stored] == [kind.name for kind in KINDS]
    assert stored[1].condition == ("orientation", "45.0")
    assert stored[1].duration == 0.5
    for one, other in zip(found, stored, strict=True):
        np.testing.assert_allclose(other.mean, one.average.mean, rtol=1e-6)
        np.testing.assert_allclose(other.sem, one.average.sem, rtol=1e-3)
        np.testing.assert_array_equal(other.baseline, one.average.baseline)
        assert {name: n.tolist() for name, n in other.dropped.items()} == {
            name: n.tolist() for name, n in one.average.dropped.items()
        }
    assert stored[0].n.tolist() == [3, 3, 0]
    assert stored[1].dropped["outside"].tolist() == [1, 1, 1]
    assert stored[1].dropped["nan"].tolist() == [0, 0, 2]


def test_equal_averages_give_equal_bytes(references: ProbeReferences, tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_evoked(tmp_path / name, average_intervals(references, KINDS), references)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("scale", [1e-9, 1e-5, 1.0, 1e6])
def test_errors_of_any_size_keep_three_digits(tmp_path: Path, scale: float) -> None:
    values = scale * np.random.default_rng(0).normal(size=(3000, 2))
    values[:, 1] /= 1000
    references = index(tmp_path, values, chunks=(500, 1))
    found = average_intervals(references, KINDS[:1])
    write_evoked(tmp_path / "evoked", found, references)
    (stored,) = read_evoked(tmp_path / "evoked").kinds
    np.testing.assert_allclose(stored.sem, found[0].average.sem, rtol=1e-3)


def test_xarray_reads_it(references: ProbeReferences, tmp_path: Path) -> None:
    path = tmp_path / "evoked.zarr.zip"
    found = average_intervals(references, KINDS)
    write_evoked(path, found, references)
    store = ZipStore(path, mode="r")
    with xr.open_zarr(store, group="b", consolidated=False) as stored:
        assert stored["mean"].dims == ("channel", "time")
        assert stored["mean"].attrs["units"] == "V"
        np.testing.assert_allclose(stored["sem"], found[1].average.sem, rtol=1e-3)
        assert stored["time"].values[0] == pytest.approx(-0.2496)


def test_the_table(references: ProbeReferences, tmp_path: Path) -> None:
    write_responses(tmp_path / "evoked.csv", average_intervals(references, KINDS), references)
    with (tmp_path / "evoked.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["channel"], row["n"], row["dropped"]) for row in rows] == [
        ("natural scenes/é", "0", "3", "0"),
        ("natural scenes/é", "1", "3", "0"),
        ("natural scenes/é", "2", "0", "3"),
        ("b", "0", "2", "1"),
        ("b", "1", "2", "1"),
        ("b", "2", "0", "3"),
    ]
    assert rows[0]["sign"] == ("−" if float(rows[0]["peak"]) < 0 else "+")
    assert 0 <= float(rows[0]["latency"]) <= 0.25
    assert (rows[2]["peak"], rows[2]["latency"], rows[2]["p"]) == ("", "", "")


def test_names_of_groups_are_plain_and_differ() -> None:
    names = ["a b", "a/b", "a_b", "..", "", "Ω"]
    assert group_names(names) == ["a_b", "a_b~2", "a_b~3", "intervals", "intervals~2", "Ω"]


def test_another_probes_averages_are_refused(references: ProbeReferences, tmp_path: Path) -> None:
    write_evoked(tmp_path / "evoked", average_intervals(references, KINDS), references)
    (tmp_path / "b").mkdir()
    other = index(tmp_path / "b", np.zeros((3000, 3), np.float32), chunks=(400, 1))
    with pytest.raises(UserError, match="made of another file"):
        read_evoked(tmp_path / "evoked", other)
    with pytest.raises(UserError, match="no such file"):
        read_evoked(tmp_path / "missing")


def test_no_averages_are_a_file_too(references: ProbeReferences, tmp_path: Path) -> None:
    write_evoked(tmp_path / "evoked", [], references)
    assert read_evoked(tmp_path / "evoked", references) == StoredEvoked([], [])


def test_the_csd_of_the_file_is_kept(references: ProbeReferences, tmp_path: Path) -> None:
    csd = StoredCsd(
        np.array([0.0, 0.1]), np.array([10.0, 20, 30]), np.arange(6.0).reshape(3, 2), "x"
    )
    found = average_intervals(references, [Kind("stored_csd", (10.6, 11.0))])
    write_evoked(tmp_path / "evoked", found, references, csd=csd)
    content = read_evoked(tmp_path / "evoked", references)
    assert [one.name for one in content.kinds] == ["stored_csd"]
    assert content.csd is not None
    assert content.csd.remark == "x"
    np.testing.assert_array_equal(content.csd.density, csd.density)
    np.testing.assert_array_equal(content.csd.depth_um, csd.depth_um)
    np.testing.assert_array_equal(content.csd.time, csd.time)
