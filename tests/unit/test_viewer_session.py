"""What the viewer reads and draws of a small session, without a browser."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import recorded
from bokeh.document import Document
from bokeh.models import Div

from lfpscope.envelope import Probe
from lfpscope.files import UserError
from lfpscope.viewer.app import main
from lfpscope.viewer.export import render_view, save_view
from lfpscope.viewer.labels import area_labels, channel_marks, channel_ticks
from lfpscope.viewer.lanes import find_troubles, heat_line
from lfpscope.viewer.pictures import Pictures
from lfpscope.viewer.readout import read_sample, sample_at
from lfpscope.viewer.render import Picture, chosen_channels, draw, leaves_none, sketch
from lfpscope.viewer.session import Session, Slot, first_state
from lfpscope.viewer.state import HEAT, State

SCRIPTS = Path(__file__).parents[2] / "scripts"
N_SAMPLES, N_CHANNELS = 3000, 4  # from 10 s on, at 1250 Hz


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, write_nwb: Callable[..., Path]) -> Path:
    """Folder of a session with one probe."""
    folder = tmp_path_factory.mktemp("session")
    nwb = write_nwb(folder / "data" / "a.nwb")
    probe = folder / "one" / "probes" / "a"
    probe.mkdir(parents=True)
    (probe / "source.json").write_text(json.dumps({"address": str(nwb)}))
    for command in (
        ["index_probe.py", "source.json", "--session=one", "--probe=a", "--references=lfp.json"],
        ["summarize_probe.py", "lfp.json", "--envelope=envelope.zarr.zip", "--channels=c.csv"],
    ):
        script = str(SCRIPTS / command[0])
        subprocess.run([sys.executable, script, *command[1:]], cwd=probe, check=True)
    return folder


@pytest.fixture
def slot(results: Path) -> Slot:
    return Slot(results / "one" / "probes" / "a")


@pytest.fixture
def whole(slot: Slot) -> State:
    return first_state([slot.open()])


def drawn(slot: Slot, state: State, width: int = 300, height: int = 80) -> Picture:
    picture = draw(slot, state, width, height)
    assert isinstance(picture, Picture), picture
    return picture


def test_the_first_view_is_the_whole_at_a_gain_that_suits(whole: State) -> None:
    assert (whole.start, round(whole.stop, 6)) == (10, 12.4)
    assert whole.microvolts == 1000  # ten standard deviations of 100 µV
    assert whole.probes == ("a",)


@pytest.mark.parametrize("mode", ["traces", "heat"])
@pytest.mark.parametrize(
    ("start", "stop"),
    [(10, 12.4), (11, 11.01), (11, 11), (11.0001, 11.0002), (9, 10.0001), (0, 100), (20, 30)],
)
def test_any_range_can_be_drawn(
    slot: Slot, whole: State, mode: str, start: float, stop: float
) -> None:
    state = replace(whole.at(start, stop), heat=frozenset({"a"} if mode == HEAT else ()))
    picture = drawn(slot, state)
    assert picture.pixels.shape[0] == 80
    assert 1 <= picture.pixels.shape[1] <= 300
    assert picture.t0 <= state.start < state.stop <= picture.t1 + 1e-9
    assert picture.mode == mode


def test_a_sketch_stands_in_until_samples_are_read(slot: Slot, whole: State) -> None:
    state = whole.at(10.5, 11.5)
    first = sketch(slot, state, 300, 80)
    assert first is not None
    assert first.drawn_from == "envelope of 128 samples"
    assert "samples are being read" in first.badge()
    assert first.t0 <= state.start < state.stop <= first.t1
    exact = drawn(slot, state)
    assert (exact.drawn_from, exact.final) == ("every sample", True)
    assert sketch(slot, state, 300, 80) is None  # nothing to wait for
    assert sketch(slot, whole.at(10, 100_000), 300, 80) is None  # drawn from the envelope anyway
    assert sketch(slot, whole.at(11, 11.05), 300, 80) is None  # less than a bucket
    assert sketch(slot, whole.at(20, 21), 300, 80) is None


def test_a_single_channel_can_be_shown(slot: Slot, whole: State) -> None:
    one = replace(whole, every=N_CHANNELS)
    assert chosen_channels(slot.open(), one).size == 1
    assert drawn(slot, one).pixels.any()


def test_channels_are_chosen_by_area_depth_and_number(slot: Slot, whole: State) -> None:
    probe = slot.open()

    def chosen(**choice: object) -> list[int]:
        return chosen_channels(probe, replace(whole, **choice)).tolist()

    assert chosen() == [3, 2, 1, 0]  # from the top down
    assert chosen(every=2) == [3, 1]
    assert chosen(depths=(20.0, 40.0)) == [2, 1]
    assert chosen(areas=frozenset({"CA1"})) == [3, 2, 1, 0]
    assert chosen(areas=frozenset({"CA1"}), depths=(0.0, 20.0)) == [1, 0]
    assert not leaves_none(probe, whole)
    for choice in ({"areas": frozenset({"nowhere"})}, {"depths": (999.0, 1000.0)}):
        assert chosen(**choice) == [3, 2, 1, 0]  # never an empty panel
        assert leaves_none(probe, replace(whole, **choice))


def test_the_reading_is_the_sample_that_h5py_reads(slot: Slot, whole: State, results: Path) -> None:
    probe = slot.open()
    with h5py.File(results / "data" / "a.nwb") as nwb:
        data = nwb["acquisition/LFP/lfp/data"][:]
    for sample, row in ((0, 0), (1234, 2), (N_SAMPLES - 1, 3)):
        height = (row + 0.5) / N_CHANNELS  # channel 0 lies at the bottom
        reading = read_sample(probe, whole, 10 + sample / 1250 + 1e-4, height)
        assert reading is not None
        assert (reading.sample, reading.row, reading.channel) == (sample, row, 100 + row)
        assert reading.volts == data[sample, row]
        assert (reading.depth, reading.area) == (20 * row, "CA1")
    assert sample_at(probe, 9.9) is None
    assert sample_at(probe, 12.5) is None
    assert read_sample(probe, whole, 12.5, 0.5) is None


def test_a_source_that_is_gone_or_changed_is_named_and_may_come_back(
    results: Path, whole: State, tmp_path: Path
) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    moved = (str(results / "data"), str(tmp_path / "data"))
    slot, nwb = Slot(tmp_path / "one" / "probes" / "a", moved), tmp_path / "data" / "a.nwb"
    assert isinstance(draw(slot, whole, 300, 80), Picture)
    nwb.rename(tmp_path / "away.nwb")
    assert "a.nwb: No such file" in str(gone := draw(slot, whole, 300, 80))
    assert "--data OLD=NEW" in str(gone)
    (tmp_path / "away.nwb").rename(nwb)
    assert isinstance(draw(slot, whole, 300, 80), Picture)
    with nwb.open("ab") as file:
        file.write(b"more")
    assert "bytes" in str(draw(slot, whole, 300, 80))


def test_a_page_made_ahead_is_taken_unless_a_probe_went_or_came_back(
    results: Path, tmp_path: Path
) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    nwb, away = tmp_path / "data" / "a.nwb", tmp_path / "away.nwb"
    session = Session(tmp_path / "one", (str(results / "data"), str(nwb.parent)))
    loaded = threading.Event()
    session.when_loaded(loaded.set)
    assert loaded.wait(60)

    session.get_ready()
    made_now = int(Div().id[1:])  # Bokeh counts its models
    assert [int(session.take_page().panels["a"].figure.id[1:]) < made_now for _ in "12"] == [1, 0]

    session.get_ready()
    nwb.rename(away)
    gone = session.take_page()
    assert not gone.panels
    assert "a.nwb: No such file" in str(gone.opened["a"])
    session.get_ready()
    away.rename(nwb)
    assert "a" in session.take_page().panels


class Broken(Slot):
    """A probe that fails as nobody thought of."""

    def open(self) -> Probe:
        raise ZeroDivisionError("of all things")


def test_a_probe_that_fails_in_an_unknown_way_is_named_and_the_others_drawn(
    slot: Slot, whole: State, capsys: pytest.CaptureFixture[str]
) -> None:
    document, shown = Document(), {}

    def show(name: str, picture: Picture | UserError, _: State) -> None:
        shown[name] = picture

    pictures = Pictures(document, [Broken(slot.folder.parent / "b"), slot], show)
    both = replace(whole, probes=("b", "a"))
    pictures.want(both, {"b": (300, 80), "a": (300, 80)})
    stop = time.monotonic() + 60
    while len(document.session_callbacks) < 2 and time.monotonic() < stop:
        time.sleep(0.02)
    pictures.stop()
    for hand_over in document.session_callbacks:
        hand_over.callback()
    assert str(shown["b"]) == "probe b: cannot be drawn: ZeroDivisionError('of all things')"
    assert isinstance(shown["a"], Picture)
    assert "Traceback" in capsys.readouterr().err


def test_data_moved_from_nowhere_is_refused_with_the_addresses_there_are(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["viewer.py", "--data", "/elsewhere=/here"])
    with pytest.raises(SystemExit, match="1"):
        main(results / "one")
    assert capsys.readouterr().err == (
        "error: --data /elsewhere=/here: no file of this session has an address that starts with "
        f"/elsewhere. They are {results}/data/a.nwb.\n"
    )


def test_moved_data_must_be_the_same_file(
    results: Path, tmp_path: Path, write_nwb: Callable[..., Path]
) -> None:
    old, probe = str(results / "data"), results / "one" / "probes" / "a"
    shutil.copy(results / "data" / "a.nwb", tmp_path / "a.nwb")
    assert Slot(probe, (old, str(tmp_path))).open().references.address == str(tmp_path / "a.nwb")
    write_nwb(tmp_path / "other" / "a.nwb", seed=1)
    with pytest.raises(UserError, match=r"when indexed|has changed"):
        Slot(probe, (old, str(tmp_path / "other"))).open()


def test_a_saved_view_is_drawn_again_and_knows_its_source(
    results: Path, whole: State, tmp_path: Path
) -> None:
    session = Session(results / "one")
    first = save_view(session, whole.at(11, 11.5), 300, 80, tmp_path)
    second = save_view(session, whole.at(11, 11.5), 300, 80, tmp_path)
    assert first != second
    assert first.read_bytes() == second.read_bytes()
    render_view(session, first.with_suffix(".json"), tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == first.read_bytes()
    view = json.loads(first.with_suffix(".json").read_text())
    view["probes"][0]["source"]["size"] += 1
    (tmp_path / "other.json").write_text(json.dumps(view))
    with pytest.raises(UserError, match="made from another file"):
        render_view(session, tmp_path / "other.json", tmp_path / "no.png")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match="not a view saved by this viewer"):
        render_view(session, tmp_path / "other.json", tmp_path / "no.png")


def test_the_minimap_shows_gaps_and_a_healthy_probe_has_no_troubles(slot: Slot) -> None:
    line, t0, t1 = heat_line(slot.open(), 9, 14, 1e-4)
    assert line.shape[0] == 1
    assert t0 <= 9
    assert t1 >= 14
    assert (line == 255).any()
    assert find_troubles(slot.open()) == []


def test_the_health_lane_says_what_is_wrong_and_when(tmp_path: Path) -> None:
    times = 5 + np.arange(3000) / 1250
    times[1000:] += 2
    times[2000:] -= 0.5
    times[2100:2810] = np.nan
    noise = recorded.walk(3000, 2, step=1e-6)
    spoilt = ((1, 0), (1, 1), (3, 0))  # of the latter, samples 2100 to 2799, none has a time
    references = recorded.index(tmp_path, noise, chunks=(700, 1), times=times, damaged=spoilt)
    with recorded.probe(references) as probe:
        troubles = find_troubles(probe)
    assert [one.what.partition(" (")[0] for one in troubles] == [
        "probe: gap of 2.000 s in the clock",
        "probe: the clock steps back by 0.500 s",
        "probe: gap of 0.568 s in the clock",
        "probe: 710 samples have no usable time and are not shown",
        "probe: damaged chunks: 2",
        "probe: damaged chunks: 1",
    ]
    assert [edge for one in troubles for edge in (one.start, one.stop)] == pytest.approx(
        [5.8, 7.8, 8.1, 8.6, 8.18, 8.748, 5, 5, 5.56, 8.1192, 5, 5]
    )


def test_labels_leave_room_for_one_another() -> None:
    rows, labels = channel_ticks(np.arange(0.0, 4000, 40)[::-1], np.arange(100), 200)
    assert labels == ["0", "1000", "2000", "3000"]
    assert [rows[0], rows[1]] == [99, 74]
    assert channel_ticks(None, np.arange(7), 100) == ([0, 2, 4, 6], ["0", "2", "4", "6"])
    assert channel_ticks(np.array([20.0]), np.array([5]), 100)[1] == ["20"]
    # three of a hundred depths are known: two labels would lie upon one another
    few = np.array([80.0, 60, 40, *[np.nan] * 97])
    assert channel_ticks(few, np.arange(100), 700) == ([2, 0], ["40", "80"])
    runs = [("a", 0, 1), ("b", 1, 2), ("c", 2, 100), ("", 100, 101)]
    assert area_labels(runs, 101, 200)["text"] == ["a", "c"]
    # the largest have their names first, and those at the edges lie within the panel
    assert area_labels([("a", 0, 2), ("b", 2, 12), ("c", 12, 13)], 13, 26) == {
        "y": [1 - 14 / 26],
        "text": ["b"],
    }
    assert area_labels([("a", 0, 1), ("b", 1, 10)], 10, 40)["y"] == pytest.approx([0.85, 0.45])


def test_dead_and_saturated_channels_are_marked_at_their_height() -> None:
    dead, saturated = np.array([True, False, False, False]), np.array([True, False, True, False])
    marks = channel_marks(np.array([7, 8, 9, 10]), dead, saturated)
    assert marks["y"] == [0.875, 0.375]
    assert marks["marker"] == ["x", "triangle"]
    assert [what.partition(",")[0] for what in marks["what"]] == [
        "channel 7: dead: flat for half the recording",
        "channel 9: saturated: it often stays at its highest or lowest value",
    ]
