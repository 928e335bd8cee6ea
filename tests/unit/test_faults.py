"""Files that are not as they should be: one line from the program, and no references.

Which test has which of the faults that others meet in silence:

 1 cut short                      test_a_bad_file[cut], test_bad_files_are_named_and_the_others_done
 2 zeros at the end               test_a_bad_file[zeros], test_samples_that_are_zeros
 3 a page, or nothing             test_a_bad_file[page], test_a_bad_file[nothing]
 4 writer killed; still writing   test_a_bad_file[killed], test_a_file_that_is_being_written
 5 replaced by another            test_source_that_grew, test_a_source_with_another_chunk,
                                  test_an_envelope_of_another_file_or_probe
 6 of the same size and time      test_a_source_of_the_same_size_and_time
 7 chunk missing                  test_a_chunk_that_was_left_out, test_missing_chunks_are_told,
                                  test_floats_with_missing_chunks_read_as_nan
 8 bit flipped                    test_flipped_bit_is_seen, test_damaged_chunk_is_named
 9 filter skipped                 test_a_bad_file[skipped], test_chunk_that_skips_a_filter
10 filter unknown                 test_a_bad_file[lzf], test_filter_that_no_codec_reads
11 compact, external, virtual     test_compact, test_external, test_virtual
12 link into another file         test_a_bad_file[link], test_link_into_another_file
13 not numbers                    test_a_bad_file[compound], test_type_that_is_not_a_number
14 no LFP                         test_a_bad_file[spikes], test_nothing_that_is_lfp
15 no samples                     test_a_bad_file[no_samples], test_no_samples
16 lengths that do not fit        test_a_bad_file[lengths], test_region_beyond_the_table,
                                  test_number_of_timestamps_that_does_not_fit
17 clock that does not rise       test_clock_that_never_runs_evenly, test_clock_that_stands_still,
                                  test_nan_in_the_middle
18 gaps                           test_gap, test_buckets_do_not_straddle_segments
19 rate that is none              test_a_bad_file[rate], test_neither_timestamps_nor_rate,
                                  test_both_timestamps_and_rate
20 NaN, infinite, constant        test_as_numpy, test_any_samples
21 busy or silent server          test_a_busy_server_is_asked_again, test_a_server_that_falls_silent
22 no ranges, wrong ranges        test_a_server_without_ranges,
                                  test_a_file_that_changes_while_it_is_read,
                                  test_a_server_that_cannot_resume_starts_anew
23 disk full                      test_a_full_disk, test_what_the_kernel_refuses_in_the_middle
24 killed; two at once            test_the_next_writer_sweeps_up, test_killed_run_is_completed,
                                  test_six_at_once_fetch_it_once
25 meant to harm                  test_harm_is_refused, test_harm_in_a_session_is_refused,
                                  test_a_malformed_table_is_named,
                                  test_any_change_is_right_or_refused
26 no locks on the disk           test_a_disk_without_locks, test_six_at_once_without_locks
27 not fetched, packed, no file   test_content_that_is_no_readable_hdf5, test_links,
                                  test_a_zarr_folder
28 killed or limited reading      test_a_call_that_ends_its_process
29 odd tables of intervals        test_an_odd_table_costs_itself_only
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.summary.summarize import build_envelope

INDEX = Path(__file__).parents[2] / "scripts" / "index_probe.py"
LFP = "/acquisition/LFP/lfp"
Write = Callable[..., Path]
Corrupt = Callable[[h5py.Group], Any]


def test_every_fault_has_its_tests() -> None:
    folder = Path(__file__).parents[1]
    there = {
        name
        for file in folder.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    lines = (__doc__ or "").splitlines()
    assert [int(line[:2]) for line in lines if re.match(r"[ \d]\d ", line)] == [*range(1, 30)]
    named = re.findall(r"(test_\w+)(?:\[(\w+)\])?", __doc__ or "")
    assert {name for name, _ in named} <= there
    assert {fault for _, fault in named if fault} == {*BYTES, *CONTENT}


# --- files whose bytes are not as they should be ------------------------------------------------


def cut(content: bytes) -> bytes:
    return content[:-1]


def zeros(content: bytes) -> bytes:
    return content[: len(content) // 20] + bytes(len(content) - len(content) // 20)


def page(_: bytes) -> bytes:
    return b"<!DOCTYPE html><title>404</title>"


def nothing(_: bytes) -> bytes:
    return b""


def killed(_: bytes) -> bytes:
    """What a program leaves that is killed while it writes."""
    code = (
        "import h5py, os, signal, sys\n"
        "file = h5py.File(sys.argv[1], 'w')\n"
        "file['a'] = range(100_000)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = Path(os.environ["PYTEST_CURRENT_TEST_FOLDER"], "killed.nwb")
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    return path.read_bytes()


BYTES = {
    "cut": (cut, r"truncated: the file ends at byte [\d ]+ of [\d ]+\. Download it again, or"),
    "zeros": (zeros, r"cannot be (read|opened)"),
    "page": (page, r"a web page, not an HDF5 file: it starts with '<!DOCTYPE html>"),
    "nothing": (nothing, r"an empty file\. Download it again, or restore it from a copy"),
    "killed": (killed, r"(truncated|its HDF5 header cannot be read).* Download it again, or"),
}


# --- files whose content is not as it should be -------------------------------------------------


def replaced(name: str, *values: Any, **how: Any) -> Corrupt:
    def corrupt(series: h5py.Group) -> None:
        del series[name]
        series.create_dataset(name, *values, **how)

    return corrupt


def skipped(series: h5py.Group) -> None:
    series["data"].id.write_direct_chunk((0, 0), bytes(4000), filter_mask=1)


def link(series: h5py.Group) -> None:
    del series["data"]
    series["data"] = h5py.ExternalLink("/etc/passwd", "/data")


def spikes(series: h5py.Group) -> None:
    series.attrs["neurodata_type"] = "SpikeEventSeries"


def rate(series: h5py.Group) -> None:
    del series["timestamps"]
    series["starting_time"] = 0.0
    series["starting_time"].attrs["rate"] = 0.0


CONTENT: dict[str, tuple[Corrupt, str]] = {
    "skipped": (skipped, r"1 of 12 chunks skip a filter, first the one at \(0, 0\)"),
    "lzf": (
        replaced("data", data=np.ones((3000, 4), "<f4"), compression="lzf"),
        r"stored with lzf \(filter 32000\)",
    ),
    "link": (link, r"a link into another file, /etc/passwd, which is not followed"),
    "compound": (replaced("data", (3000, 4), [("a", "<f4")]), r"data of type .* expected integers"),
    "spikes": (spikes, r"no ElectricalSeries"),
    "no_samples": (
        replaced("data", (0, 4), "<f4"),
        r"no ElectricalSeries with samples: /acquisition/LFP/lfp has data of shape \(0, 4\)",
    ),
    "lengths": (
        replaced("timestamps", data=np.arange(2999.0)),
        r"3000 samples but timestamps of shape \(2999,\)",
    ),
    "rate": (rate, r"a rate of 0\.0 Hz; expected more than 0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*BYTES, *CONTENT])
def test_a_bad_file(
    write_nwb: Write, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST_FOLDER", str(tmp_path))
    path = write_nwb(tmp_path / "a.nwb")
    if fault in BYTES:
        path.write_bytes(BYTES[fault][0](path.read_bytes()))
    else:
        with h5py.File(path, "r+") as nwb:
            CONTENT[fault][0](nwb[LFP])
    message = refusal(path, tmp_path)
    assert message.startswith(f"{path}: ")
    assert re.search({**BYTES, **CONTENT}[fault][1], message)


def refusal(path: Path, folder: Path) -> str:
    """The reason in index.json why a file is not indexed: one line, and empty references."""
    source, references = folder / "source.json", folder / "results/lfp.json"
    index = folder / "results/index.json"
    source.write_text(json.dumps({"address": str(path)}))
    names = ["--session", "s", "--probe", "p", "--references", references, "--index", index]
    command = [sys.executable, INDEX, source, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert references.read_text() == ""
    found = json.loads(index.read_text())
    assert found["status"] == "failed"
    reason: str = found["reason"]
    assert f"error: {reason}" in done.stdout.splitlines()
    return reason


def test_a_file_that_is_being_written(tmp_path: Path, write_nwb: Write) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    with h5py.File(path, "r+"):
        assert "another program is writing it: try again once" in refusal(path, tmp_path)


def test_samples_that_are_zeros(tmp_path: Path, write_nwb: Write) -> None:
    """The last of a download never came, but its length is right."""
    path = write_nwb(tmp_path / "a.nwb")
    with h5py.File(path) as nwb:
        last = nwb[LFP]["data"].id.get_chunk_info(11)
    with path.open("r+b") as file:
        file.seek(last.byte_offset)
        file.write(bytes(last.size))
    index_recording(str(path), tmp_path / "lfp.json", session="s", probe="p")
    references = open_references(tmp_path / "lfp.json")
    summary = build_envelope(references, tmp_path / "envelope.zarr.zip")
    assert summary.table()[3]["n_damaged"] == 1000
    line, remedy = summary.describe_damage().splitlines()
    assert "etch" in remedy
    place = rf"byte {last.byte_offset} of {path}"
    assert re.match(rf"probe p, channel 103, 11\.600 to 12\.399 s, {place}: damaged: ", line)
