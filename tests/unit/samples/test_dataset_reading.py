"""What `open_session` reads: any index, in any process, from anywhere; or a source that changed."""

import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import recorded
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from serving import serve

import lfpscope
from lfpscope.errors import UserError
from lfpscope.references.combine import combine_references
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references

Data = npt.NDArray[Any]
SCRIPTS = Path(__file__).parents[3] / "scripts"


def write_probe(folder: Path, probe: str, data: Data, address: str = "", **how: Any) -> Path:
    """Write a file with one series, and its references; from a server where an address is given."""
    source = folder / f"{probe}.nwb"
    if not source.exists():
        with h5py.File(source, "w") as nwb:
            series = nwb.create_group(recorded.SERIES)
            series.attrs["neurodata_type"] = "ElectricalSeries"
            attributes = {name: how.pop(name) for name in ("conversion", "offset") if name in how}
            gains = how.pop("channel_conversion", None)
            stored = series.create_dataset("data", data=data, **how)
            stored.attrs.update(attributes)
            if gains is not None:
                series["channel_conversion"] = gains
            series["timestamps"] = 5 + np.arange(len(data)) / recorded.RATE
    path = folder / f"{probe}.json"
    where = address or str(source)
    index_recording(where, path, session="s", probe=probe, series=recorded.SERIES)
    return path


GZIP = {"chunks": (200, 2), "compression": "gzip"}


@pytest.fixture(scope="module")
def samples() -> Data:
    return recorded.walk(1500, 5, step=0.195e-6).astype(np.float32)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, samples: Data) -> Path:
    folder = tmp_path_factory.mktemp("session")
    paths = [write_probe(folder, "a", samples, **GZIP), write_probe(folder, "b", -samples, **GZIP)]
    combine_references(paths, folder / "session.json", session="s")
    return folder


def plainly(folder: Path) -> xr.DataTree:
    options = {"fo": str(folder / "session.json"), "remote_protocol": "file"}
    options |= {"remote_options": {"asynchronous": True}}
    return xr.open_datatree("reference://", engine="zarr", chunks=None, storage_options=options)


# --- the same -----------------------------------------------------------------------------------


def test_as_plain_xarray(session: Path) -> None:
    ours, plain = lfpscope.open_session(session), plainly(session)
    assert sorted(ours.groups) == sorted(plain.groups) == ["/", "/a", "/b", "/stacked"]
    for group in ours.groups:
        found = ours[group].to_dataset().drop_vars("time", errors="ignore")  # an index of ours
        xr.testing.assert_identical(found, plain[group].to_dataset())
    assert ours["a"].lfp.units == "V"


def test_nothing_is_read_before_it_is_used(session: Path) -> None:
    lfp = lfpscope.open_session(session)["a"].lfp
    assert not lfp.variable._in_memory
    lfp[0].values.sum()
    assert not lfp.variable._in_memory


def slices(n: int) -> st.SearchStrategy[slice]:
    # xarray itself fails on empty slices that go backwards
    return st.slices(n).filter(lambda one: len(range(*one.indices(n))) > 0)


PICKS = st.one_of(
    slices(1500),
    st.integers(-1500, 1499),
    st.lists(st.integers(-1500, 1499), max_size=6).map(np.array),
)
COLUMNS = st.one_of(
    slices(5), st.integers(-5, 4), st.lists(st.integers(0, 4), max_size=6).map(np.array)
)


@given(rows=PICKS, columns=COLUMNS)
def test_any_index(session: Path, samples: Data, rows: Any, columns: Any) -> None:
    lfp = OPENED.setdefault(session, lfpscope.open_session(session))["a"].lfp
    one, other = (k.astype(int) if isinstance(k, np.ndarray) else k for k in (rows, columns))
    found = lfp.isel(time=one, channel=other).values
    np.testing.assert_array_equal(found, samples[one][..., other])


OPENED: dict[Path, xr.DataTree] = {}


def test_pointwise(session: Path, samples: Data) -> None:
    lfp = lfpscope.open_session(session)["a"].lfp
    times, channels = [3, 1400, 700], [4, 0, 4]
    found = lfp.isel(time=xr.DataArray(times, dims="p"), channel=xr.DataArray(channels, dims="p"))
    np.testing.assert_array_equal(found.values, samples[times, channels])


def test_another_process_opens_the_source_anew(session: Path, samples: Data) -> None:
    dataset = pickle.loads(pickle.dumps(lfpscope.open_session(session)["a"].to_dataset()))  # noqa: S301 - our own
    np.testing.assert_array_equal(dataset.lfp.values, samples)


@pytest.mark.parametrize("dtype", ["<i2", ">f4", "<f8"])
@pytest.mark.parametrize("units", [{}, {"conversion": 2e-6, "offset": 1e-3}])
def test_volts_as_plain_xarray_scales_them(
    tmp_path: Path, dtype: str, units: dict[str, float]
) -> None:
    counts = np.arange(1, 601).reshape(200, 3).astype(dtype)
    path = write_probe(tmp_path, "a", counts, **units)
    combine_references([path], tmp_path / "session.json", session="s")
    ours, plain = lfpscope.open_session(tmp_path)["a"].lfp, plainly(tmp_path)["a"].lfp
    np.testing.assert_allclose(ours.values, plain.values, rtol=1e-6)
    expected = counts * units.get("conversion", 1.0) + units.get("offset", 0.0)
    np.testing.assert_allclose(ours.values, expected, rtol=1e-6)


def test_counts_where_each_channel_has_its_gain(tmp_path: Path) -> None:
    counts = np.arange(600, dtype="<i2").reshape(200, 3)
    gains = np.array([1.0, 2.0, 4.0])
    path = write_probe(tmp_path, "a", counts, channel_conversion=gains, conversion=1e-6)
    combine_references([path], tmp_path / "session.json", session="s")
    lfp = lfpscope.open_session(tmp_path)["a"].lfp
    assert lfp.units == "count"
    np.testing.assert_allclose(lfp * lfp.volts_per_count, counts * gains * 1e-6, rtol=1e-12)


def test_on_a_server(tmp_path: Path, samples: Data) -> None:
    write_probe(tmp_path, "a", samples, **GZIP)
    with serve(tmp_path) as served:
        path = write_probe(tmp_path, "a", samples, f"{served.address}/a.nwb")
        combine_references([path], tmp_path / "session.json", session="s")
        dataset = lfpscope.open_session(tmp_path)["a"].to_dataset()
        np.testing.assert_array_equal(dataset.lfp.values, samples)
        assert dataset.timestamps.values[-1] == pytest.approx(5 + 1499 / recorded.RATE)
        served.etag = '"another"'
        with pytest.raises(UserError, match=r'ETag "another".*--forcerun fetch_probe'):
            lfpscope.open_session(tmp_path)


# --- refused ------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path, samples: Data) -> Path:
    paths = [write_probe(tmp_path, "a", samples, **GZIP), write_probe(tmp_path, "b", samples)]
    combine_references(paths, tmp_path / "session.json", session="s")
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        lfpscope.open_session(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_source_with_another_chunk(copy: Path) -> None:
    before = (copy / "a.nwb").stat()
    content = bytearray((copy / "a.nwb").read_bytes())
    content[int(open_references(copy / "a.json").lfp.offsets[0, 0]) + 9] ^= 1
    (copy / "a.nwb").write_bytes(content)
    os.utime(copy / "a.nwb", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert "has changed" in refusal(copy)


def test_a_source_that_was_touched_is_opened(copy: Path) -> None:
    (copy / "a.nwb").touch()
    assert lfpscope.open_session(copy)["a"].lfp.shape == (1500, 5)


def test_a_source_that_is_gone(copy: Path) -> None:
    (copy / "a.nwb").unlink()
    assert "No such file or directory" in refusal(copy)


def test_a_session_that_was_spoiled(copy: Path) -> None:
    text = (copy / "session.json").read_text()
    (copy / "session.json").write_text(
        text.replace('"a/lfp/0.0":["{{u0}}",', '"a/lfp/0.0":["{{u0}}",1')
    )
    assert "not references written by combine_session" in refusal(copy)
