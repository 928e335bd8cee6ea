"""What sheets and columns of the viewer show, without a browser: equal to numpy and scipy."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.signal

from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.evoked.averages import average_intervals
from lfpscope.evoked.files import write_evoked
from lfpscope.evoked.kinds import Kind
from lfpscope.io.tables import read_table
from lfpscope.references.index import index_recording
from lfpscope.render.ticks import frequency_ticks
from lfpscope.samples.channel_labels import read_labels_by_hand
from lfpscope.summary.probe import summarize_probe
from lfpscope.viewer import evoked_view, spectrum_view
from lfpscope.viewer.channel_selection import chosen_rows
from lfpscope.viewer.channel_table import next_label, read_channels, write_label
from lfpscope.viewer.depth_map import rgba
from lfpscope.viewer.period_list import read_entries
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.state_query import from_query
from lfpscope.viewer.view_state import State

RATE, START, N_SAMPLES, N_CHANNELS = 1250.0, 10.0, 50_000, 4
SERIES = "acquisition/lfp"
ONSETS = START + 3 + 3.0 * np.arange(12)
HALF = (-0.1, 0.3)  # seconds about an onset
HEAD = "probe\tchannel\tlabel\tnote\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def probe_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a probe with 40 s of noise and a response in channel 2, and of its session."""
    session = tmp_path_factory.mktemp("panels") / "one"
    folder = session / "probes" / "a"
    folder.mkdir(parents=True)
    times = START + np.arange(N_SAMPLES) / RATE
    volts = 1e-5 * np.random.default_rng(0).normal(size=(N_SAMPLES, N_CHANNELS))
    for onset in ONSETS:
        volts[:, 2] -= 1e-4 * np.exp(-0.5 * ((times - onset - 0.08) / 0.01) ** 2)
    nwb = session / "a.nwb"
    with h5py.File(nwb, "w") as file:
        series = file.create_group(SERIES)
        series.attrs["neurodata_type"] = "ElectricalSeries"
        series.create_dataset("data", data=volts.astype(np.float32), chunks=(5000, N_CHANNELS))
        series["timestamps"] = times
    references = folder / "lfp.json"
    index_recording(str(nwb), references, session="one", probe="a", series=SERIES)
    made = {"envelope": "envelope.zarr.zip", "channels": "channels.csv"}
    made["spectrum"] = "spectrum.zarr.zip"
    summarize_probe(references, **{name: folder / file for name, file in made.items()})
    rows = [f"{onset},{onset + 2},flash,{i % 2}" for i, onset in enumerate(ONSETS)]
    (session / "intervals.csv").write_text("\n".join(["start,stop,name,contrast", *rows]) + "\n")
    return folder


@pytest.fixture
def probe(probe_folder: Path) -> Iterator[OpenProbe]:
    with ProbeSlot(probe_folder).use() as probe:
        yield probe


def stored_volts(folder: Path) -> np.ndarray:
    with h5py.File(folder.parents[1] / "a.nwb") as file:
        return np.asarray(file[f"{SERIES}/data"][:], dtype=np.float64).T


def expected_average(folder: Path, onsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error over trials, by a loop over h5py's samples."""
    volts = stored_volts(folder)
    at = np.rint((onsets - START) * RATE).astype(int)
    offsets = range(round(HALF[0] * RATE), round(HALF[1] * RATE) + 1)
    trials = np.stack([volts[:, [one + offset for offset in offsets]] for one in at])
    return trials.mean(axis=0), trials.std(axis=0, ddof=1) / np.sqrt(len(at))


def test_kinds_and_their_conditions_are_offered(probe_folder: Path) -> None:
    kinds = evoked_view.offer_kinds(probe_folder.parents[1])
    assert list(kinds) == ["flash", "flash, contrast 0", "flash, contrast 1"]
    assert kinds["flash, contrast 1"].onsets == tuple(ONSETS[1::2])
    assert evoked_view.offer_kinds(probe_folder) == {}


def test_a_live_average_is_the_mean_over_trials(probe: OpenProbe, probe_folder: Path) -> None:
    kind = evoked_view.offer_kinds(probe_folder.parents[1])["flash, contrast 1"]
    found, source = evoked_view.average_probe(probe, probe_folder, kind, HALF)
    assert source.startswith("computed from samples")
    one = found.kinds[0]
    mean, sem = expected_average(probe_folder, ONSETS[1::2])
    n = min(one.time.size, mean.shape[1])
    assert abs(one.time.size - mean.shape[1]) <= 1
    np.testing.assert_allclose(one.mean[:, :n], mean[:, :n], atol=1e-11)
    np.testing.assert_allclose(one.sem[:, :n], sem[:, :n], atol=1e-11)
    (view,) = evoked_view.view_averages([(found, source)])
    assert view.text.startswith("a · flash, contrast 1 · n 6 · computed")
    assert (view.lfp.shape, view.csd.shape[0]) == ((N_CHANNELS, one.time.size, 3), 0)
    assert view.why == "no CSD: the file has no depth"
    row = view.probe.rows.channels.tolist().index(2)
    trace = evoked_view.channel_average(view, row)
    assert abs(trace.milliseconds[np.argmin(trace.mean)] - 80) < 3
    assert -115 < trace.mean.min() < -85
    assert trace.text == "channel 2 · n 6 · mean ± SEM, µV"


def test_an_average_that_the_pipeline_made_is_read(
    probe: OpenProbe, probe_folder: Path, tmp_path: Path
) -> None:
    kind = Kind("flash", tuple(ONSETS), 2.0)
    live, _ = evoked_view.average_probe(probe, probe_folder, kind, HALF)
    folder = tmp_path / "one/probes/a"
    folder.mkdir(parents=True)
    (made,) = average_intervals(probe.references, [kind])  # with a longer window
    write_evoked(folder / "evoked.zarr.zip", [made], probe.references)
    found, source = evoked_view.average_probe(probe, folder, kind, HALF)
    assert source == "precomputed"
    n = min(found.kinds[0].time.size, live.kinds[0].time.size)
    np.testing.assert_allclose(found.kinds[0].mean[:, :n], live.kinds[0].mean[:, :n], atol=1e-10)
    # of a longer window, or of other intervals, there is none
    assert evoked_view._stored(probe, folder, kind, (-1.0, 2.0)) is None
    assert evoked_view._stored(probe, folder, replace(kind, name="other"), HALF) is None


def test_trials_in_an_artefact_are_dropped(
    probe: OpenProbe, probe_folder: Path, tmp_path: Path
) -> None:
    session = tmp_path / "one"
    folder = session / "probes/a"
    folder.mkdir(parents=True)
    (session / "intervals.csv").write_text((probe_folder.parents[1] / "intervals.csv").read_text())
    times = f"{ONSETS[3] - 0.01},{ONSETS[3]}"
    (folder / "periods.csv").write_text(
        f"start,stop,kind,channels,strength\n{times},artefact,,9\n30,31,theta,,3\n"
    )
    kind = Kind("flash", tuple(ONSETS), 2.0)
    found, source = evoked_view.average_probe(probe, folder, kind, HALF)
    (view,) = evoked_view.view_averages([(found, source)])
    assert "n 11 · 1 dropped" in view.text


def test_no_complete_trial_is_said(probe: OpenProbe, probe_folder: Path) -> None:
    found = evoked_view.average_probe(probe, probe_folder, Kind("x", (1.0, 2.0)), HALF)
    with pytest.raises(UserError, match="no complete trial"):
        evoked_view.view_averages([found])


def test_a_live_spectrum_is_scipys(probe: OpenProbe, probe_folder: Path) -> None:
    frequency, psd, text = spectrum_view.live_spectrum(probe, [(START + 4, START + 24)])
    samples = stored_volts(probe_folder)[:, 5000:30_000]
    expected = scipy.signal.welch(samples, RATE, "hann", 4096, 2048, detrend="constant")
    np.testing.assert_allclose(frequency, expected[0], rtol=1e-6)
    np.testing.assert_allclose(psd, expected[1], rtol=1e-4, atol=1e-12 * expected[1].max())
    assert text == "11 windows of 3.28 s"


def test_spectra_of_intervals_have_windows_that_fit_into_them(
    probe: OpenProbe, probe_folder: Path
) -> None:
    pieces = spectrum_view.pieces_of(Kind("flash", (START + 3, START + 6), 2.0))
    assert pieces == [(13, 15), (16, 18)]
    view = spectrum_view.view_spectrum(probe, probe_folder, pieces, "flash")
    assert view.text == "a · flash · 2 windows of 1.64 s"
    assert view.pixels.shape == (N_CHANNELS, spectrum_view.WIDTH, 3)


def test_the_spectrum_of_the_recording_is_the_files(probe: OpenProbe, probe_folder: Path) -> None:
    view = spectrum_view.view_spectrum(probe, probe_folder, None, "the recording")
    expected = scipy.signal.welch(stored_volts(probe_folder), RATE, "hann", 4096, 2048)[1]
    np.testing.assert_allclose(view.psd, expected, rtol=1e-3)
    row = view.rows.channels.tolist().index(1)
    frequency, levels, text = spectrum_view.channel_spectrum(view, row)
    assert text == "channel 1 · dB re 1 µV²/Hz"
    at = np.searchsorted(view.frequency, frequency[0])
    np.testing.assert_allclose(levels, 10 * np.log10(expected[1, at:]) + 120, atol=0.01)


def test_without_samples_or_a_file_there_is_a_reason(probe: OpenProbe, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has not made the spectra"):
        spectrum_view.view_spectrum(probe, tmp_path, None, "the recording")
    with pytest.raises(UserError, match="no spectrum of x: too few samples"):
        spectrum_view.view_spectrum(probe, tmp_path, [(0, 1)], "x")


def test_labels_of_frequencies_do_not_touch() -> None:
    assert frequency_ticks(0.5, 60) == [0.5, 1, 2, 5, 10, 20, 50]
    assert frequency_ticks(700, 900) == []


def test_a_label_by_hand_replaces_only_its_own_row(tmp_path: Path) -> None:
    path = tmp_path / "bad_channels.tsv"
    write_label(path, "a", 7, "dead")
    path.write_text(path.read_text() + "b\t7\tnoisy\tby eye\n")
    write_label(path, "b", 7, "outside")
    write_label(path, "a", 8, "good")
    assert [list(row.values()) for row in read_table(path)] == [
        ["a", "7", "dead", ""],
        ["b", "7", "outside", "by eye"],
        ["a", "8", "good", ""],
    ]
    assert read_labels_by_hand(path, "b") == {7: "outside"}
    assert not list(tmp_path.glob("*.part"))


def test_a_table_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bad_channels.tsv"
    for text in (HEAD + "a\t7\tbroken\t\n", HEAD + "a\t7\tdead\t\tmore\n"):
        path.write_text(text)
        with pytest.raises(UserError, match="Correct"):
            write_label(path, "a", 8, "dead")
        assert path.read_text() == text


def test_a_click_goes_through_the_labels() -> None:
    labels = ["unknown"]
    for _ in range(5):
        labels.append(next_label(labels[-1]))
    assert labels == ["unknown", "good", "dead", "noisy", "outside", "good"]


def test_the_table_of_channels_has_labels_by_hand_first(probe_folder: Path) -> None:
    path = probe_folder.parents[1] / "bad_channels.tsv"
    path.write_text(HEAD + "a\t1\tnoisy\t\na\t3\tgood\t\n")
    try:
        table, bad = read_channels(probe_folder)
    finally:
        path.unlink()
    assert (table.labels[1], table.labels[3], bad) == ("noisy", "good", {1})
    assert (table.reasons[1], table.reasons[3]) == ("by hand", "by hand")
    expected = stored_volts(probe_folder).std(axis=1) * 1e6
    np.testing.assert_allclose(table.values["RMS (µV)"], expected, rtol=1e-4)


def test_bad_channels_are_hidden_and_the_address_says_so(probe: OpenProbe) -> None:
    state = State(10, 20, 100, ("a",), bad=frozenset({("a", 0)}), left_out=frozenset({("a", 2)}))
    hiding = state.toggle_bad()
    assert sorted(chosen_rows(probe, state).channels) == [0, 1, 2, 3]
    assert sorted(chosen_rows(probe, hiding).channels) == [1, 3]
    assert from_query({"bad": "hidden"}, state) == (hiding, [])
    assert from_query({"bad": "no"}, state) == (state, ["bad=no"])
    assert "bad=hidden" in hiding.to_query()
    assert hiding.toggle_bad() == state


def test_periods_and_marks_are_listed_in_the_order_of_time(tmp_path: Path) -> None:
    folder = tmp_path / "one/probes/a"
    folder.mkdir(parents=True)
    (folder / "lfp.json").touch()
    (folder / "periods.csv").write_text(
        "start,stop,kind,channels,strength\n30,31,theta,1 2 3 4,5.5\n12,12.1,ripple,7,4\n"
    )
    (tmp_path / "one/marks.csv").write_text(
        "start,stop,probe,channel,note\n20,21,,,look here\n,,a,3,bad\n"
    )
    entries = read_entries(SessionFolder(tmp_path / "one"))
    assert [(one.start, one.kind, one.words) for one in entries] == [
        (12, "ripple", "a · 7 · 4"),
        (20, "mark", "mark: look here"),
        (30, "theta", "a · 4 channels · 5.5"),
    ]
    (folder / "periods.csv").write_text("start,stop,kind\nx,1,theta\n")
    with pytest.raises(UserError, match="line 2: no period"):
        read_entries(SessionFolder(tmp_path / "one"))


def test_colours_are_packed_for_the_browser() -> None:
    packed = rgba(np.array([[[1, 2, 3], [255, 0, 128]]], np.uint8))
    assert packed.tolist() == [[0xFF030201, 0xFF8000FF]]
