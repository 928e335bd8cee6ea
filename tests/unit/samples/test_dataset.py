"""`open_session` gives what xarray gives, after a look at the sources."""

import gc
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
from lfpscope.references.combine import combine_references

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
    xr.testing.assert_identical(ours(folder).isel(here).load(), plain(folder).isel(here).load())


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
