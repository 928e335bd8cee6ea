"""Channel quality beside what files say, and on files that others wrote."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import lfpscope
from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.signals.neighbours import Positions
from lfpscope.signals.surface import Surface
from lfpscope.summary.channel_quality import compare_with_areas, find_positions
from lfpscope.summary.spectrum_file import SpectrumSettings
from lfpscope.summary.summarize import build_envelope

SHARED = os.environ.get("LFPSCOPE_DATA", "")
needs_files = pytest.mark.skipif(not SHARED, reason="LFPSCOPE_DATA names no folder with such files")


def channels(depth, *, unit="µm", is_downward=False, **columns):
    depth = np.array(depth, float)
    axis = DepthAxis("y", "depth", unit, is_downward)
    columns = {name: np.array(values) for name, values in columns.items()}
    return Channels(np.arange(depth.size), {"depth": depth, **columns}, axis)


# --- positions ----------------------------------------------------------------------------------


def test_heights_grow_towards_the_surface():
    assert find_positions(channels([0, 40, 80])).height.tolist() == [0, 40, 80]
    assert find_positions(channels([0, 40], is_downward=True)).height.tolist() == [0, -40]


def test_depths_in_an_unknown_unit_are_no_heights():
    assert np.isnan(find_positions(channels([0, 1, 2], unit="")).height).all()


def test_shanks_are_parts_and_names_of_single_channels_are_not():
    assert find_positions(channels([0] * 4, shank=["a", "b", "a", "b"])).part.tolist() == [
        0,
        1,
        0,
        1,
    ]
    assert find_positions(channels([0] * 3, group=["a", "b", "c"])).part.tolist() == [0, 0, 0]


# --- the surface beside areas -------------------------------------------------------------------


@pytest.mark.parametrize(("height", "n_notes"), [(300.0, 0), (420.0, 0), (700.0, 1)])
def test_a_surface_elsewhere_than_the_areas_end_is_a_note(height, n_notes):
    areas = ["CA1"] * 8 + ["root"] * 12
    some = channels(np.arange(20) * 40, area=areas)  # the areas end at 300 µm
    surface = Surface(0, height, 40.0, 10.0)
    notes = compare_with_areas(some, find_positions(some), [surface])
    assert len(notes) == n_notes
    if notes:
        assert notes == ["surface at 700 µm, but the file's areas end at 300 µm"]


def test_no_note_where_the_file_names_no_end():
    some = channels(np.arange(20) * 40, area=["CA1"] * 20)
    assert compare_with_areas(some, find_positions(some), [Surface(0, 300.0, 40.0, 9.0)]) == []
    assert (
        compare_with_areas(Channels(np.arange(2)), Positions(np.zeros(2), np.zeros(2, int)), [])
        == []
    )


# --- files that others wrote --------------------------------------------------------------------


def summarise(nwb: Path, series: str, folder: Path):
    references = folder / "lfp.json"
    index_recording(str(nwb), references, session="s", probe="p", series=series)
    path = folder / "spectrum.zarr.zip"
    build_envelope(
        open_references(references),
        folder / "envelope.zarr.zip",
        spectrum=SpectrumSettings(path),
    )
    return lfpscope.open_spectrum(path)


@needs_files
def test_truth_of_a_session_made_with_allens_writer(tmp_path):
    folder = Path(SHARED, "allen_writer")
    truth = json.loads((folder / "truth.json").read_text())["sessions"][0]["probes"][0]
    probe = truth["probe_id"]
    nwb = folder / "session_715093703" / f"probe_{probe}_lfp.nwb"
    series = f"/acquisition/probe_{probe}_lfp/probe_{probe}_lfp_data"
    found = summarise(nwb, series, tmp_path)
    psd, frequency = found.psd.to_numpy(), found.frequency.to_numpy()
    theta = (frequency > 4) & (frequency < 10)
    loud = np.abs(truth["theta_amp_V"]) > 8e-5
    peaks = frequency[theta][psd[loud][:, theta].argmax(axis=1)]
    assert np.abs(peaks - truth["theta_hz"]).max() < frequency[1]
    rms = np.sqrt(psd[:, theta].sum(axis=1) * frequency[1])[loud]
    assert rms == pytest.approx(np.abs(truth["theta_amp_V"])[loud] / np.sqrt(2), rel=0.05)
    assert set(found.label.to_numpy().tolist()) == {"good"}
    # theta turns over in the middle: channels on both sides are coherent
    assert float(found.coherence[5, 85].sel(coherence_band="theta")) > 0.95


@needs_files
def test_neuropixels_noise_has_one_saturated_channel_and_drifting_ones(tmp_path):
    nwb = Path(SHARED, "real", "spikeglx_neuropixels_lf.nwb")
    found = summarise(nwb, "/acquisition/ElectricalSeriesLF", tmp_path)
    flags = found.flags.to_numpy()
    assert [i for i, one in enumerate(flags) if "saturated" in one] == [165]
    drifting = {i for i, one in enumerate(flags) if "drifting" in one}
    assert {29, 157, 158, 176, 188, 296, 374} <= drifting
    assert drifting.isdisjoint({119, 135, 167, 203, 228, 258, 331, 338, 344, 348, 349, 377})
    assert set(found.label.to_numpy().tolist()) == {"good"}
