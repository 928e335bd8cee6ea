"""`open_session` gives what xarray gives, after a look at the sources."""

import gc
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recorded
import xarray as xr

import lfpscope
from lfpscope.errors import UserError
from lfpscope.hdf5.layout import Layout
from lfpscope.references.combine import combine_references
from lfpscope.samples.dataset import block_shape

COUNTS = np.rint(recorded.walk(3000, 4, step=1.0)).astype(np.int16)


def session(folder: Path, data: Any = COUNTS, **how: Any) -> Path:
    """Write a session of one probe."""
    recorded.index(folder, data, chunks=(700, 2), **how)
    combine_references([folder / "lfp.json"], folder / "session.json", session="session")
    return folder


def plain(folder: Path) -> xr.Dataset:
    fo = {"fo": str(folder / "session.json"), "remote_protocol": "file"}
    options = {**fo, "remote_options": {"asynchronous": True}}
    tree = xr.open_datatree("reference://", engine="zarr", storage_options=options)
    return tree["probe"].to_dataset()


def ours(folder: Path) -> xr.Dataset:
    return lfpscope.open_session(folder)["probe"].to_dataset()


@pytest.mark.parametrize("data", [COUNTS, (COUNTS * 0.195e-6).astype(np.float32), COUNTS * 0.1])
@pytest.mark.parametrize(
    ("time", "channel"),
    [
        (slice(None), slice(None)),
        (slice(699, 1401), [3, 1]),
        (slice(2900, 10, -7), slice(1, 3)),
        (-1, -1),
        ([5, 2100, 2], 0),
        (slice(5, 5), slice(None)),
        (slice(0, 9), []),
    ],
)
def test_the_same_as_plain_xarray(tmp_path: Path, data: Any, time: Any, channel: Any) -> None:
    folder = session(tmp_path, data)
    here = {"time": time, "channel": channel}
    left, right = ours(folder).isel(here).load(), plain(folder).isel(here).load()
    xr.testing.assert_identical(left.drop_vars("time"), right)
    np.testing.assert_allclose(left.time, right.timestamps, rtol=0, atol=1e-9)


def test_in_dask_chunks(tmp_path: Path) -> None:
    lfp = ours(session(tmp_path)).lfp
    np.testing.assert_array_equal(lfp.chunk(time=1000).max("time").compute(), COUNTS.max(axis=0))


def test_labels_of_the_pass_and_by_hand_are_coordinates(tmp_path: Path) -> None:
    folder = session(tmp_path)
    table = folder / "probes" / "probe" / "channels.csv"
    table.parent.mkdir(parents=True)
    text = "channel,label,flags,reason\n0,good,,\n1,noisy,mains,loud\n2,dead,,silent\n3,good,,\n"
    table.write_text(text)
    (folder / "bad_channels.tsv").write_text(
        "probe\tchannel\tlabel\tnote\nprobe\t1\tgood\t\nother\t0\tdead\t\n"
    )
    found = ours(folder)
    assert found.label.dims == ("channel",)
    assert found.label.values.tolist() == ["good", "good", "dead", "good"]
    assert found.flags.values.tolist() == ["", "mains", "", ""]
    assert found.reason.values.tolist() == ["", "by hand, in bad_channels.tsv", "silent", ""]
    assert found.lfp.where(found.label == "good", drop=True).shape == (3000, 3)
    table.write_text(text.replace("\n3,", "\n7,"))  # the table of another recording
    assert "label" not in ours(folder).coords


@pytest.mark.parametrize(("chunks", "blocks"), [({}, 3000), ("auto", 3000), ({"time": 700}, 700)])
def test_blocks_of_all_channels(tmp_path: Path, chunks: Any, blocks: int) -> None:
    lfp = lfpscope.open_session(session(tmp_path), chunks=chunks)["probe"].lfp
    assert lfp.data.chunksize == (blocks, 4)
    there = pickle.loads(pickle.dumps(lfp))  # noqa: S301 - as dask.distributed sends it
    np.testing.assert_array_equal(there.sel(time=slice(11, 12)), COUNTS[1250:2501])
    np.testing.assert_allclose(lfp.std("time"), COUNTS.std(axis=0), rtol=1e-6)


@pytest.mark.slow
def test_other_processes_compute(tmp_path: Path) -> None:
    """As dask.distributed's workers: each opens the source itself."""
    lfp = lfpscope.open_session(session(tmp_path), chunks={"time": 1400})["probe"].lfp
    largest = lfp.max("time").compute(scheduler="processes", num_workers=1)
    np.testing.assert_array_equal(largest, COUNTS.max(axis=0))


@pytest.mark.parametrize(
    ("shape", "chunks", "block"),
    [
        ((10_700_000, 93), (9766, 1), (58_596, 93)),  # Allen's: 22 MB
        ((10_700_000, 384), (13_653, 64), (13_653, 384)),
        ((1000, 4), (700, 2), (1000, 4)),
        ((10_700_000, 93), (10_700_000, 1), (10_700_000, 1)),  # a channel in one chunk
        ((1_000_000, 93), (1_000_000, 4), (1_000_000, 4)),
    ],
)
def test_blocks_are_rows_of_chunks(
    shape: tuple[int, int], chunks: tuple[int, int], block: tuple[int, int]
) -> None:
    assert block_shape(Layout(shape, chunks, np.dtype("<f4")), 4) == block


def test_damaged_chunks_are_nan(tmp_path: Path) -> None:
    lfp = ours(session(tmp_path, damaged=((1, 1),))).lfp.values
    expected = COUNTS.astype(float)
    expected[700:1400, 2:] = np.nan
    np.testing.assert_array_equal(lfp, expected)


def test_sources_are_let_go_of_with_the_tree(tmp_path: Path) -> None:
    tree = lfpscope.open_session(session(tmp_path))
    tree["probe"].lfp[:10].load()  # which the cache keeps
    assert tmp_path / "probe.nwb" in opened()
    del tree
    gc.collect()
    assert tmp_path / "probe.nwb" not in opened()


def opened() -> set[Path]:
    """Files that this process has open."""
    return {one.resolve() for one in Path("/proc/self/fd").iterdir()}


FORK = """
import multiprocessing, sys
import lfpscope

lfp = lfpscope.open_session(sys.argv[1])["probe"].lfp

def total():
    return int(lfp.sum())

ours = total()
with multiprocessing.get_context("fork").Pool(1) as pool:
    assert pool.apply_async(total).get(timeout=60) == ours
"""


def test_in_a_process_that_was_forked(tmp_path: Path) -> None:
    """As PyTorch's DataLoader reads: none of the threads is there any more."""
    command = [sys.executable, "-W", "ignore", "-c", FORK, session(tmp_path)]
    subprocess.run(command, check=True)


def test_the_folder_or_the_file(tmp_path: Path) -> None:
    session(tmp_path)
    trees = [lfpscope.open_session(tmp_path), lfpscope.open_session(str(tmp_path / "session.json"))]
    xr.testing.assert_identical(*trees)


def test_a_changed_source_is_refused(tmp_path: Path) -> None:
    session(tmp_path)
    with (tmp_path / "probe.nwb").open("ab") as file:
        file.write(b"more")
    with pytest.raises(UserError, match=r"bytes, .* when indexed\. Run the pipeline again"):
        lfpscope.open_session(tmp_path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"session\.json: no such file"):
        lfpscope.open_session(tmp_path / "session.json")


def test_importing_the_package_is_quick() -> None:
    code = "import lfpscope, sys; print('xarray' in sys.modules, callable(lfpscope.open_session))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
