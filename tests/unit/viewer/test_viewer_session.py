"""What the viewer reads and draws of a small session, without a browser."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import recorded
from bokeh.document import Document
from bokeh.models import Div
from PIL import Image

from lfpscope.clock.timeline import Timeline
from lfpscope.doubts import Doubt
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.render.palettes import HEAT_GREY, SIGNED_GREY, TRACE_PALETTE
from lfpscope.render.rows import RowBlock, Rows, arrange_rows
from lfpscope.render.traces import trace_picture
from lfpscope.render.view import read_view
from lfpscope.summary.summarize import build_envelope
from lfpscope.viewer.app import main
from lfpscope.viewer.channel_selection import chosen_rows, drop_unknown_areas
from lfpscope.viewer.channel_trace import read_trace
from lfpscope.viewer.controls import Controls, offer_gains
from lfpscope.viewer.export import describe_view, draw_figure, render_view, save_view
from lfpscope.viewer.export_lane import Lane
from lfpscope.viewer.export_panel import Added
from lfpscope.viewer.facts import doubts_html, probe_facts, quality_facts
from lfpscope.viewer.gaps import find_empty, no_gaps
from lfpscope.viewer.issues import find_issues
from lfpscope.viewer.labels import (
    area_labels,
    area_runs,
    axis_width,
    block_edges,
    block_names,
    channel_marks,
    row_ticks,
)
from lfpscope.viewer.minimap import heat_line
from lfpscope.viewer.page_pool import PagePool
from lfpscope.viewer.picture import Picture, draw, draw_probe, sketch, transformed_for
from lfpscope.viewer.probe_slot import ProbeSlot
from lfpscope.viewer.readout import Reading, read_values
from lfpscope.viewer.redraw import Pictures
from lfpscope.viewer.session_folder import SessionFolder, first_state, only_open
from lfpscope.viewer.style import LEFT
from lfpscope.viewer.typed import type_channels
from lfpscope.viewer.view_state import HEAT, SIGNED, TRACES, State

SCRIPTS = Path(__file__).parents[3] / "scripts"
N_SAMPLES, N_CHANNELS = 3000, 4  # from 10 s on, at 1250 Hz
BLOCK, BUCKET = 2048, 128  # samples about whose line the amplitude is, in steps of a bucket


def index_and_summarise(probe: Path, nwb: Path) -> None:
    """Run the two steps of the pipeline in a probe's folder."""
    (probe / "source.json").write_text(json.dumps({"address": str(nwb)}))
    names = ["--session=one", "--probe=a"]
    for command in (
        ["index_probe.py", "source.json", *names, "--references=lfp.json", "--index=index.json"],
        ["summarize_probe.py", "lfp.json", "--envelope=envelope.zarr.zip", "--channels=c.csv"],
    ):
        script = str(SCRIPTS / command[0])
        subprocess.run([sys.executable, script, *command[1:]], cwd=probe, check=True)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, write_nwb: Callable[..., Path]) -> Path:
    """Folder of a session with one probe."""
    folder = tmp_path_factory.mktemp("session")
    nwb = write_nwb(folder / "data" / "a.nwb")
    probe = folder / "one" / "probes" / "a"
    probe.mkdir(parents=True)
    index_and_summarise(probe, nwb)
    return folder


@pytest.fixture
def slot(results: Path) -> ProbeSlot:
    return ProbeSlot(results / "one" / "probes" / "a")


@pytest.fixture
def whole(slot: ProbeSlot) -> State:
    return first_state([slot.open()])


def drawn(slot: ProbeSlot, state: State, width: int = 300, height: int = 80) -> Picture:
    picture = draw(slot, state, width, height)
    assert isinstance(picture, Picture), picture
    return picture


def test_the_first_view_is_the_whole_at_a_gain_that_suits(whole: State) -> None:
    assert (whole.start, round(whole.stop, 6)) == (10, 12.4)
    assert whole.microvolts == 1000  # ten standard deviations of 100 µV
    assert whole.probes == ("a",)


@pytest.mark.parametrize("mode", [TRACES, SIGNED, HEAT])
@pytest.mark.parametrize(
    ("start", "stop"),
    [(10, 12.4), (11, 11.01), (11, 11), (11.0001, 11.0002), (9, 10.0001), (0, 100), (20, 30)],
)
def test_any_range_can_be_drawn(
    slot: ProbeSlot, whole: State, mode: str, start: float, stop: float
) -> None:
    state = whole.at(start, stop).drawn_as(mode)
    picture = drawn(slot, state)
    assert picture.pixels.shape[0] == 80
    assert 1 <= picture.pixels.shape[1] <= 300
    assert picture.t0 <= state.start < state.stop <= picture.t1 + 1e-9
    assert picture.mode == mode


def test_a_sketch_stands_in_until_samples_are_read(slot: ProbeSlot, whole: State) -> None:
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


def test_a_single_channel_can_be_shown(slot: ProbeSlot, whole: State) -> None:
    one = replace(whole, every=N_CHANNELS)
    assert chosen_rows(slot.open(), one).channels.size == 1
    assert drawn(slot, one).pixels.any()


def test_channels_are_chosen_by_area_depth_and_number(slot: ProbeSlot, whole: State) -> None:
    probe = slot.open()

    def chosen(**choice: object) -> list[int]:
        return chosen_rows(probe, replace(whole, **choice)).channels.tolist()

    assert chosen() == [3, 2, 1, 0]  # from the top down
    assert chosen(every=2) == [3, 1]
    assert chosen(depths=(20.0, 40.0)) == [2, 1]
    assert chosen(areas=frozenset({"CA1"})) == [3, 2, 1, 0]
    assert chosen(areas=frozenset({"CA1"}), depths=(0.0, 20.0)) == [1, 0]
    for choice in ({"areas": frozenset({"nowhere"})}, {"depths": (999.0, 1000.0)}):
        assert chosen(**choice) == []
        none = replace(whole, **choice)
        found = draw(slot, none, 300, 100)
        assert isinstance(found, UserError)
        assert "no channel of this probe is among those chosen" in str(found)
        assert sketch(slot, none, 300, 100) is None
        assert read_values(probe, none, 1.0, 0.5) is None


def stored(results: Path) -> npt.NDArray[np.float32]:
    """Samples as h5py reads them."""
    with h5py.File(results / "data" / "a.nwb") as nwb:
        return nwb["acquisition/LFP/lfp/data"][:]


def test_the_reading_is_the_sample_that_h5py_reads(
    slot: ProbeSlot, whole: State, results: Path
) -> None:
    probe, data = slot.open(), stored(results)
    for sample, row in ((0, 0), (1234, 2), (N_SAMPLES - 1, 3)):
        height = (row + 0.5) / N_CHANNELS  # channel 0 lies at the bottom
        reading = read_values(probe, whole, 10 + sample / 1250 + 1e-4, height)
        assert reading is not None
        assert (reading.sample, reading.row, reading.channel) == (sample, row, 100 + row)
        assert reading.low == reading.high == data[sample, row]
        assert (reading.depth, reading.area) == (20 * row, "CA1")
    for nowhere in (9.9, 12.5):
        assert read_values(probe, whole, nowhere, 0.5) is None


@pytest.mark.parametrize(
    ("start", "stop", "width"),
    [
        (10, 12.4, 20),  # columns of buckets
        (10, 12.4, 50),  # columns of samples, some 60 in each
        (10.5, 11.5, 300),  # two or three samples in each pixel
        (11, 11.1, 300),  # more pixels than samples
        (9, 14, 33),
    ],
)
def test_the_reading_is_of_the_samples_in_the_pixel_column(
    slot: ProbeSlot, whole: State, results: Path, start: float, stop: float, width: int
) -> None:
    probe, state = slot.open(), whole.at(start, stop)
    picture = draw(slot, state, width, 80)
    assert isinstance(picture, Picture)
    data, grid, n = stored(results), picture.grid, picture.pixels.shape[1]
    volts = data[:, 2].astype(np.float64)
    about_lines = volts - recorded.baseline(volts, BLOCK, BUCKET)
    seen: list[Reading] = []
    for pixel in range(n):
        at = picture.t0 + (pixel + 0.5) / n * (picture.t1 - picture.t0)
        reading = read_values(probe, state, at, 2.5 / N_CHANNELS, grid)
        if reading is None:
            continue
        here = volts[reading.sample : reading.sample + reading.n_samples]
        assert (reading.low, reading.high) == (here.min(), here.max())
        if reading.n_samples > 1:
            rms = np.sqrt(np.mean(about_lines[reading.sample :][: reading.n_samples] ** 2))
            assert reading.rms == pytest.approx(rms, rel=0.03)  # of buckets it is kept as a code
        seen.append(reading)
    if grid.samples_per_pixel > 1.5:  # the columns hold every sample of the range once
        ends = [one.sample + one.n_samples for one in seen]
        assert [one.sample for one in seen[1:]] == ends[:-1]
        assert seen[0].sample <= max(0, (start - 10) * 1250)
        assert ends[-1] >= min(N_SAMPLES, (stop - 10) * 1250 - 1e-6)
        assert all("RMS" in one.text(state) for one in seen)
    else:
        assert {one.n_samples for one in seen} == {1}


@pytest.mark.parametrize(("start", "stop"), [(10, 12.4), (10.5, 11.5), (11, 11.1), (9, 14)])
def test_one_channel_is_shown_with_the_extremes_of_its_samples(
    slot: ProbeSlot, whole: State, results: Path, start: float, stop: float
) -> None:
    trace = read_trace(slot.open(), whole.at(start, stop), 200, 102)
    volts = stored(results)[:, 2].astype(float) * 1e6
    times = 10 + np.arange(N_SAMPLES) / 1250
    here = np.isfinite(trace.low)
    assert here.any()
    edges = zip(trace.left[here], trace.right[here], trace.low[here], trace.high[here], strict=True)
    for left, right, low, high in edges:
        inside = volts[(times > left - 1e-6) & (times < max(right, left + 8e-4) - 1e-6)]
        assert low <= inside.min() + 1e-3
        assert high >= inside.max() - 1e-3
    in_view = volts[(times >= start) & (times <= stop)]
    assert trace.low[here].min() <= in_view.min() + 1e-3
    assert trace.is_samples == (stop - start < 0.5)
    assert trace.text.startswith("a · channel 102 · 40 µm · CA1 · here ")


@pytest.mark.parametrize(
    ("depth", "unit", "words"),
    [(20.0, "µm", "20 µm"), (20.5, "", "20.5"), (None, "µm", "CA1")],
)
def test_a_depth_is_read_in_the_unit_of_its_axis(
    whole: State, depth: float | None, unit: str, words: str
) -> None:
    where = {"row": 0, "channel": 100, "depth": depth, "unit": unit, "area": "CA1"}
    reading = Reading("a", 10.0, 0, **where, n_samples=1, low=1e-6, high=1e-6, rms=np.nan)
    assert reading.text(whole).split(" · ")[3] == words


def test_a_sample_that_is_not_plausible_can_be_read(
    tmp_path: Path, write_nwb: Callable[..., Path]
) -> None:
    nwb, probe = write_nwb(tmp_path / "a.nwb"), tmp_path / "one" / "probes" / "a"
    with h5py.File(nwb, "r+") as file:
        file["acquisition/LFP/lfp/data"][1500, 2] = 1e30
    probe.mkdir(parents=True)
    index_and_summarise(probe, nwb)
    opened = ProbeSlot(probe).open()
    state = first_state([opened])
    reading = read_values(opened, state, 10 + 1500 / 1250, 2.5 / N_CHANNELS)
    assert reading is not None
    assert reading.low == np.float32(1e30)
    assert state.microvolts == 1000  # as without it


def test_a_source_that_is_gone_or_changed_is_named_and_may_come_back(
    results: Path, whole: State, tmp_path: Path
) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    moved = (str(results / "data"), str(tmp_path / "data"))
    slot, nwb = ProbeSlot(tmp_path / "one" / "probes" / "a", moved), tmp_path / "data" / "a.nwb"
    assert isinstance(draw(slot, whole, 300, 80), Picture)
    nwb.rename(tmp_path / "away.nwb")
    assert "a.nwb: No such file" in str(gone := draw(slot, whole, 300, 80))
    assert "--data OLD=NEW" in str(gone)
    (tmp_path / "away.nwb").rename(nwb)
    assert isinstance(draw(slot, whole, 300, 80), Picture)
    with nwb.open("ab") as file:
        file.write(b"more")
    assert "bytes" in str(draw(slot, whole, 300, 80))


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    """Folder of a probe of its own: its source is a.nwb beside it."""
    probe = tmp_path / "one" / "probes" / "a"
    probe.mkdir(parents=True)
    shutil.copy(results / "data" / "a.nwb", probe / "a.nwb")
    index_and_summarise(probe, probe / "a.nwb")
    return probe


@pytest.mark.slow
def test_a_viewer_that_runs_shows_what_the_pipeline_has_made_again(
    copy: Path, whole: State, write_nwb: Callable[..., Path]
) -> None:
    slot, state = ProbeSlot(copy), whole.at(11, 11.1)
    before, old = drawn(slot, state), slot.open()
    with slot.use() as in_use:
        (copy / "a.nwb").unlink()
        write_nwb(copy / "a.nwb", samples=5000, seed=7)
        assert "when indexed" in str(draw(slot, state, 300, 80))
        index_and_summarise(copy, copy / "a.nwb")
        after = drawn(slot, state)
        assert in_use.samples(0, 1).shape == (N_CHANNELS, 1)  # not closed while it is in use
    assert slot.open() is not old
    assert slot.open().references.n_samples == 5000
    assert (after.pixels != before.pixels).any()
    with h5py.File(copy / "a.nwb") as nwb:
        reading = read_values(slot.open(), state, 11, 0.1)
        assert reading is not None
        assert reading.low == nwb["acquisition/LFP/lfp/data"][1250, 0]
    with pytest.raises(UserError, match="Bad file descriptor"):
        old.samples(0, 1)


@pytest.mark.slow
def test_a_viewer_that_runs_recovers_after_its_results_were_missing(
    copy: Path, whole: State
) -> None:
    slot = ProbeSlot(copy)
    before = drawn(slot, whole)
    (copy / "lfp.json").rename(copy / "away")
    assert "lfp.json" in str(draw(slot, whole, 300, 80))
    assert "lfp.json" in str(slot.known)
    (copy / "away").rename(copy / "lfp.json")
    assert (drawn(slot, whole).pixels == before.pixels).all()
    (copy / "envelope.zarr.zip").rename(copy / "away")
    assert not slot.open().is_summarised  # samples are drawn without
    assert drawn(slot, whole).drawn_from == "every sample"
    (copy / "away").rename(copy / "envelope.zarr.zip")
    assert (drawn(slot, whole).pixels == before.pixels).all()


def test_a_page_made_ahead_is_taken_unless_a_probe_went_or_came_back(
    results: Path, tmp_path: Path
) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    nwb, away = tmp_path / "data" / "a.nwb", tmp_path / "away.nwb"
    pool = PagePool(SessionFolder(tmp_path / "one", (str(results / "data"), str(nwb.parent))))
    pool.take_page()

    pool.prepare()
    made_now = int(Div().id[1:])  # Bokeh counts its models
    assert [int(pool.take_page().panels["a"].figure.id[1:]) < made_now for _ in "12"] == [1, 0]

    pool.prepare()
    nwb.rename(away)
    gone = pool.take_page()
    assert not gone.panels
    assert "a.nwb: No such file" in str(gone.opened["a"])
    pool.prepare()
    spare = pool._spare
    assert pool.take_page() is spare  # of a broken probe as well
    pool.prepare()
    away.rename(nwb)
    assert "a" in pool.take_page().panels


@pytest.fixture
def unreachable(results: Path, tmp_path: Path) -> Iterator[Callable[[bool], Path]]:
    """Return a function: a session of two probes, one at a server that refuses or is silent."""
    taken: list[socket.socket] = []

    def make(is_silent: bool) -> Path:
        server = socket.create_server(("127.0.0.1", 0))
        taken.append(server)
        port = server.getsockname()[1]
        if not is_silent:
            server.close()
        shutil.copytree(results / "one", tmp_path / "one")
        shutil.copytree(tmp_path / "one" / "probes" / "a", tmp_path / "one" / "probes" / "far")
        references = tmp_path / "one" / "probes" / "far" / "lfp.json"
        content = json.loads(references.read_text())
        content["templates"]["u"] = f"http://127.0.0.1:{port}/a.nwb"
        content["provenance"]["address"] = content["templates"]["u"]
        references.write_text(json.dumps(content))
        return tmp_path / "one"

    yield make
    for server in taken:
        server.close()


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_page_does_not_wait_for_a_probe_out_of_reach(
    unreachable: Callable[[bool], Path], is_silent: bool
) -> None:
    pool, document = PagePool(SessionFolder(unreachable(is_silent))), Document()
    far = next(slot for slot in pool.session.slots if slot.name == "far")
    page = pool.take_page()
    page.open(document, {}, renew=lambda _page: None)
    for one in list(document.session_callbacks):  # as the event loop calls them
        one.callback()
    assert far.is_busy or not is_silent  # no answer has come yet
    page.close()
    assert list(page.panels) == ["a"]
    assert isinstance(page.opened["far"], UserError)


def test_tables_that_cannot_be_read_cost_only_themselves(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "one", tmp_path / "one")
    session = SessionFolder(tmp_path / "one")
    assert session.read_tables(Timeline(())).problems == []
    (tmp_path / "one" / "marks.csv").write_text("start,stop,probe,channel,note\n1,2,,,a\n")
    (tmp_path / "one" / "intervals.csv").write_bytes(b"start,stop,name\n1,2,\xff\xfe\n")
    tables = session.read_tables(Timeline(()))
    assert [mark.note for mark in tables.marks] == ["a"]
    assert tables.lane.neighbour(0, 1) is None
    assert [one.partition(":")[0] for one in tables.problems] == ["Intervals are not shown"]
    (tmp_path / "one" / "marks.csv").unlink()
    (tmp_path / "one" / "marks.csv").mkdir()
    assert [one.partition(":")[0] for one in session.read_tables(Timeline(())).problems] == [
        "Intervals are not shown",
        "Marks are not shown",
    ]


def test_a_page_that_cannot_be_opened_leaves_no_threads(results: Path) -> None:
    pool = PagePool(SessionFolder(results / "one"))
    page = pool.take_page()
    page.open(Document(), {}, renew=lambda _page: None)
    threads = threading.active_count()
    with pytest.raises(RuntimeError, match="already in a doc"):
        page.open(Document(), {}, renew=lambda _page: None)
    end = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= threads
    page.close()


class Broken(ProbeSlot):
    """A probe that fails as nobody thought of."""

    def _open(self) -> OpenProbe:
        raise ZeroDivisionError("of all things")


def test_a_probe_that_fails_in_an_unknown_way_is_named_and_the_others_drawn(
    slot: ProbeSlot, whole: State, capsys: pytest.CaptureFixture[str]
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


def test_probes_share_the_gain_that_follows_the_view(
    tmp_path: Path, write_nwb: Callable[..., Path]
) -> None:
    slots = []
    for name, factor in (("a", 1), ("b", 30)):
        probe = tmp_path / "one" / "probes" / name
        probe.mkdir(parents=True)
        nwb = write_nwb(tmp_path / f"{name}.nwb")
        with h5py.File(nwb, "r+") as file:
            file["acquisition/LFP/lfp/data"][:] *= factor
        index_and_summarise(probe, nwb)
        slots.append(ProbeSlot(probe))
    state = replace(first_state([slots[0].open()]), probes=("a", "b")).at(10.5, 11.5)
    document, shown = Document(), {}

    def show(name: str, picture: Picture | UserError, _state: State) -> None:
        shown[name] = picture

    alone = [drawn(slot, state) for slot in slots]
    assert alone[0].microvolts < alone[1].microvolts
    pictures = Pictures(document, slots, show)
    pictures.want(state, {"a": (300, 80), "b": (300, 80)})
    wanted = {"a": alone[1].microvolts, "b": alone[1].microvolts}
    stop = time.monotonic() + 60
    while {name: one.microvolts for name, one in shown.items()} != wanted:
        assert time.monotonic() < stop, shown
        time.sleep(0.02)
        for hand_over in document.session_callbacks:
            document.remove_next_tick_callback(hand_over)
            hand_over.callback()
    pictures.stop()


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
    assert ProbeSlot(probe, (old, str(tmp_path))).open().references.address == str(
        tmp_path / "a.nwb"
    )
    write_nwb(tmp_path / "other" / "a.nwb", seed=1)
    with pytest.raises(UserError, match=r"when indexed|has changed"):
        ProbeSlot(probe, (old, str(tmp_path / "other"))).open()


@pytest.mark.parametrize("stop", [11.5, 11.05])  # of traces, and of smooth lines
def test_a_saved_view_is_drawn_again_and_knows_its_source(
    results: Path, whole: State, tmp_path: Path, stop: float
) -> None:
    session, state = SessionFolder(results / "one"), whole.at(11, stop).drawn_as(TRACES)
    first = save_view(session, state, 300, 80, tmp_path)
    second = save_view(session, state, 300, 80, tmp_path)
    assert first != second
    assert first.read_bytes() == second.read_bytes()
    render_view(session, first.with_suffix(".json"), tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == first.read_bytes()
    view = json.loads(first.with_suffix(".json").read_text())
    view["probes"][0]["source"]["size"] += 1
    (tmp_path / "other.json").write_text(json.dumps(view))
    with pytest.raises(UserError, match="made from another file"):
        render_view(session, tmp_path / "other.json", tmp_path / "no.png")


def test_areas_of_two_probes_have_colours_of_their_own_in_one_figure(
    write_nwb: Callable[..., Path], tmp_path: Path
) -> None:
    """The atlas gives both the same."""
    for name, area in (("a", "VISp"), ("b", "VISl")):
        probe = tmp_path / "one" / "probes" / name
        probe.mkdir(parents=True)
        nwb = write_nwb(tmp_path / f"{name}.nwb")
        with h5py.File(nwb, "r+") as file:
            file["general/extracellular_ephys/electrodes/location"][...] = area
        index_recording(str(nwb), probe / "lfp.json", session="one", probe=name)
        build_envelope(open_references(probe / "lfp.json"), probe / "envelope.zarr.zip")
    session = SessionFolder(tmp_path / "one")
    state = first_state(only_open(session.open_probes()))
    figure = draw_figure(session, describe_view(session, state, 300, 80, Lane()))
    strips = [axes for axes in figure.axes if {"VISp", "VISl"} & {t.get_text() for t in axes.texts}]
    colours = [axes.collections[0].get_facecolor().tolist() for axes in strips]
    assert len(colours) == 2
    assert colours[0] != colours[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _view: {}, "not a view saved by this viewer"),
        (lambda _view: [], "not a view saved by this viewer"),
        (lambda view: view | {"lfpscope_view": 1, "state": {}}, "version 1, expected 5"),
        (lambda view: view | {"state": 5}, "not a view saved by this viewer"),
        (lambda view: view | {"width": "wide"}, "width and height"),
        (lambda view: view | {"width": 10**9}, "width and height"),
        (lambda view: {k: v for k, v in view.items() if k != "versions"}, "'versions'"),
        (lambda view: view | {"probes": [{}]}, "'probe'"),
        (lambda view: view | {"lane": view["lane"] | {"start": [1]}}, "different length"),
        (lambda view: view | {"added": {"a": {"values": [1], "labels": []}}}, "different length"),
        (lambda view: view | {"probes": []}, "made from another file"),
        (lambda view: view | {"whole": [3, 3]}, "whole 3 to 3"),
        (lambda view: {k: v for k, v in view.items() if k != "whole"}, "'whole'"),
        (lambda view: view | {"state": view["state"] | {"start": None}}, "numbers"),
        (lambda view: view | {"state": view["state"] | {"stop": -1e9}}, "range"),
        (lambda view: view | {"state": view["state"] | {"every": 0}}, "range"),
        (lambda view: view | {"state": view["state"] | {"depths": [1]}}, "IndexError"),
        (lambda view: view | {"state": view["state"] | {"mood": 1}}, "mood"),
    ],
)
def test_an_odd_saved_view_is_an_error_of_one_line(
    results: Path, whole: State, tmp_path: Path, change: Callable[..., object], message: str
) -> None:
    session = SessionFolder(results / "one")
    saved = save_view(session, whole.at(11, 11.5), 300, 80, tmp_path).with_suffix(".json")
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(change(json.loads(saved.read_text()))))
    with pytest.raises(UserError, match=message) as error:
        render_view(session, odd, tmp_path / "no.png")
    assert str(error.value).startswith(f"{odd}: ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "no.png").exists()


def test_a_saved_picture_has_the_minimap_with_what_is_shown_of_it(
    results: Path, whole: State, tmp_path: Path
) -> None:
    session = SessionFolder(results / "one")

    def minimap(state: State) -> npt.NDArray[np.int64]:
        saved = save_view(session, state, 300, 80, tmp_path)
        return np.asarray(Image.open(saved).convert("RGB"), int)[-26:-8]  # a probe's line

    start, stop = whole.start, whole.stop
    left, right = (
        minimap(whole.at(start + share * (stop - start), start + (share + 0.1) * (stop - start)))
        for share in (0.2, 0.7)
    )
    changed = np.flatnonzero((left != right).any(axis=(0, 2))) - 164  # of the frame
    assert changed.min() == pytest.approx(0.2 * 300, abs=3)
    assert changed.max() == pytest.approx(0.8 * 300, abs=3)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_saved_picture_of_any_format_is_drawn_again_with_its_intervals(
    results: Path, whole: State, tmp_path: Path, suffix: str
) -> None:
    session, state = SessionFolder(results / "one"), whole.at(11, 11.5)
    flash = {"start": [11.1], "stop": [11.3], "label": ["flash <b>"], "colour": ["#2166ac"]}
    lane = Lane(["flashes", "marks"], **flash, bottom=[1], at=[11.1], low=[0], shade=[0.05])
    plain = save_view(session, state, 300, 80, tmp_path, suffix=suffix)
    first = save_view(session, state, 300, 80, tmp_path, lane=lane, suffix=suffix)
    assert first.suffix == suffix
    assert first.read_bytes() != plain.read_bytes()
    again = tmp_path / f"again{suffix}"
    render_view(session, first.with_suffix(".json"), again)
    assert again.read_bytes() == first.read_bytes()
    if suffix == ".svg":
        assert "flash &lt;b&gt;" in first.read_text() or "<!-- flash" in first.read_text()


def test_a_saved_picture_has_all_that_is_on_the_panel(
    results: Path, whole: State, tmp_path: Path
) -> None:
    session, state = SessionFolder(results / "one"), whole.at(7, 15).drawn_as(TRACES)
    lane = Lane(["flashes"], [11.1], [11.3], [0], [11.1], [0.5], ["flash"], ["#2166ac"], [0.05])
    box = {"start": [11.0], "stop": [11.5], "bottom": [0.25], "top": [0.75], "name": ["odd <b>"]}
    column = {"measure": "theta (µV)", "values": [1.0, None, 3.0, 2.0]}
    column |= {"labels": ["good", "dead", "noisy", "unknown"]}
    channel = ("a", int(session.slots[0].open().references.channels.id[0]))
    shown = replace(state, microvolts=200.0, is_auto=False, channel=channel)
    folder = {"folder": tmp_path, "lane": lane, "suffix": ".svg"}

    def words(added: Added, state: State = shown) -> str:
        saved = save_view(session, state, 600, 160, added={"a": added}, **folder)
        render_view(session, saved.with_suffix(".json"), tmp_path / "again.svg")
        assert (tmp_path / "again.svg").read_bytes() == saved.read_bytes()
        return saved.read_text()

    text = words(Added(**box, **column))
    for one in ("odd &lt;b&gt;", "theta (µV)", "200 µV", "session time (min:s)", "flash"):
        assert f"<!-- {one}" in text or f"<!--  {one}" in text
    for one in (f"a · channel {channel[1]} · ", "frequency (Hz)", "spectrogram: Hann", "µV -->"):
        assert f"<!-- {one}" in text  # the channel shown alone
    assert "frequency" not in words(Added(), replace(shown, channel=None))
    assert "<!-- before the recording -->" in text
    assert "<!-- after the recording -->" in text
    without = words(Added())
    assert "odd &lt;" not in without
    assert "theta" not in without
    none = words(Added(), replace(shown, areas=frozenset({"nowhere"})))
    assert "<!-- no channel of this probe is among those chosen -->" in none


def test_tabs_that_save_one_range_at_once_take_names_of_their_own(
    results: Path, whole: State, tmp_path: Path
) -> None:
    session, state = SessionFolder(results / "one"), whole.at(11, 11.5)
    for i in range(2, 1000):
        (tmp_path / f"11.000-11.500-{i}.png").touch()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(save_view, session, state, 300, 80, tmp_path) for _ in range(4)]
    pictures = sorted(job.result().name for job in jobs)
    assert pictures == [
        "11.000-11.500-1000.png",
        "11.000-11.500-1001.png",
        "11.000-11.500-1002.png",
        "11.000-11.500.png",
    ]
    assert len({(tmp_path / name).read_bytes() for name in pictures}) == 1


def test_lines_are_smooth_where_samples_lie_apart_on_the_page(
    slot: ProbeSlot, whole: State
) -> None:
    state = whole.at(11, 11.1).drawn_as(TRACES)  # 125 samples
    tints = [
        (draw_probe(slot.open(), state, width, 80, ratio).pixels >= len(TRACE_PALETTE)).any()
        for width, ratio in ((600, 1), (200, 1), (200, 3))
    ]
    assert tints == [True, False, False]


def test_a_bad_channel_is_grey_and_its_neighbours_are_as_they_were(
    slot: ProbeSlot, whole: State
) -> None:
    state = whole.at(11, 11.2).drawn_as(TRACES).scaled(50)  # traces reach over their neighbours
    bad = replace(state, bad=frozenset({("a", 102), ("b", 101)}))
    before, after = (drawn(slot, one, 300, 200).pixels for one in (state, bad))
    alone = trace_picture(
        read_view(slot.open(), 11, 11.2, 300),
        slot.open(),
        200,
        pixels_per_volt=25 / 50e-6,
        channels=np.array([3, 2, 1, 0]),
        grey=np.array([False, False, True, False]),
    )
    assert (after == alone).all()
    assert (after == 2).any()
    changed = before != after
    assert changed.any()
    # where it changed, the channel was drawn: there is no white band
    assert not ((after == 0) & (before != 0)).any()
    for mode, grey in ((HEAT, HEAT_GREY), (SIGNED, SIGNED_GREY)):
        maps = [drawn(slot, one.drawn_as(mode), 300, 80).pixels for one in (state, bad)]
        assert (maps[1][20:40] == grey).all()
        others = (np.delete(one, range(20, 40), 0) for one in maps)
        assert np.array_equal(*others)


def test_a_mode_suits_the_zoom_unless_one_was_chosen(whole: State) -> None:
    wide, near = whole.at(0, 21), whole.at(0, 19)  # 21 and 19 ms in a pixel
    assert [one.mode("a", 1000) for one in (wide, near)] == [HEAT, SIGNED]
    chosen = wide.drawn_as(TRACES, "a")
    assert [one.mode("a", 1000) for one in (chosen, chosen.zoom(0.01))] == [TRACES, TRACES]
    assert chosen.drawn_as(None).mode("a", 1000) == HEAT


def test_a_sketch_is_drawn_in_the_mode_of_its_picture(
    tmp_path: Path, write_nwb: Callable[..., Path]
) -> None:
    probe = tmp_path / "one" / "probes" / "a"
    probe.mkdir(parents=True)
    index_and_summarise(probe, write_nwb(tmp_path / "a.nwb"))
    slot = ProbeSlot(probe)
    state = first_state([slot.open()]).at(10.2, 12.2)  # 10 ms in a pixel, 102 in a bucket
    first = sketch(slot, state, 200, 80)
    assert first is not None
    assert first.mode == drawn(slot, state, 200).mode == SIGNED


@pytest.mark.parametrize("mode", [TRACES, SIGNED, HEAT])
def test_the_gain_follows_the_view_until_one_is_chosen(
    tmp_path: Path, write_nwb: Callable[..., Path], mode: str
) -> None:
    nwb, probe = write_nwb(tmp_path / "a.nwb"), tmp_path / "one" / "probes" / "a"
    with h5py.File(nwb, "r+") as file:
        file["acquisition/LFP/lfp/data"][1500:] *= 100
        file["acquisition/LFP/lfp/data"][:, 3] *= 1000  # a wild channel of four does not count
    probe.mkdir(parents=True)
    index_and_summarise(probe, nwb)
    slot = ProbeSlot(probe)
    state = first_state([slot.open()]).drawn_as(mode)
    quiet, loud = state.at(10.1, 11.1), state.at(11.3, 12.3)
    gains = [drawn(slot, one).microvolts for one in (quiet, loud)]
    assert gains[1] == pytest.approx(100 * gains[0])
    assert gains[0] in {200, 500, 1000, 2000}  # of noise of 100 µV
    assert [drawn(slot, one.scaled(50)).microvolts for one in (quiet, loud)] == [50, 50]


def test_the_minimap_shows_gaps_and_a_healthy_probe_has_no_issues(
    slot: ProbeSlot, whole: State
) -> None:
    line, t0, t1 = heat_line(slot.open(), whole.at(9, 14))
    assert line.shape[0] == 1
    assert t0 <= 9
    assert t1 >= 14
    assert (line == 255).any()
    assert find_issues(slot.open(), whole.timeline) == []


def test_the_health_lane_says_what_is_wrong_and_when(tmp_path: Path) -> None:
    times = 5 + np.arange(3000) / 1250
    times[1000:] += 2
    times[2000:] -= 0.5
    times[2100:2810] = np.nan
    noise = recorded.walk(3000, 2, step=1e-6)
    spoilt = ((1, 0), (1, 1), (3, 0))  # of the latter, samples 2100 to 2799, none has a time
    references = recorded.index(tmp_path, noise, chunks=(700, 1), times=times, damaged=spoilt)
    with recorded.probe(references) as probe:
        issues = find_issues(probe, Timeline(()))
    assert [one.what.partition(" (")[0] for one in issues] == [
        "probe: gap of 2.000 s in the clock",
        "probe: clock reset: the clock is set back by 0.500 s",
        "probe: gap of 0.568 s in the clock",
        "probe: 710 samples have no usable time and are not shown",
        "probe: damaged chunks: 2",
        "probe: damaged chunks: 1",
    ]
    assert [edge for one in issues for edge in (one.start, one.stop)] == pytest.approx(
        [5.8, 7.8, 8.1, 8.6, 8.18, 8.748, 5, 5, 5.56, 8.1192, 5, 5]
    )


def probe_of(depth: list[float] | None, **columns: object) -> Channels:
    """Channels at some depths."""
    n = 7 if depth is None else len(depth)
    known = {} if depth is None else {"depth": np.array(depth)}
    axis = None if depth is None else DepthAxis("y", "depth (µm)")
    return Channels(np.arange(n) + 500, known | columns, axis)


def test_depths_stand_where_they_lie_and_leave_room_for_one_another() -> None:
    channels = probe_of([20.0 + 40 * i for i in range(93)])  # 20, 60, … 3700 µm
    rows = arrange_rows(channels)
    for height in (100, 300, 900):
        ticks = row_ticks(channels, rows, height)
        assert len(ticks.labels) >= (2 if height > 100 else 1)
        for place, label in zip(ticks.places, ticks.labels, strict=True):
            row = (float(label) - 20) / 40  # from the tip, which lies at the bottom
            assert place == pytest.approx((row + 0.5) / 93)
        assert (-np.diff(ticks.places) * height >= 12).all()
    # two contacts at each depth
    side_by_side = probe_of([0.0, 0.0, 100.0, 100.0])
    ticks = row_ticks(side_by_side, arrange_rows(side_by_side), 100)
    assert dict(zip(ticks.labels, ticks.places, strict=True)) == pytest.approx(
        {"100": 0.75, "0": 0.25}
    )
    single = probe_of([23.0])
    assert row_ticks(single, arrange_rows(single), 100).labels == ["23"]


def test_without_depths_electrodes_are_named_from_the_bottom_up() -> None:
    channels = probe_of(None)
    ticks = row_ticks(channels, arrange_rows(channels), 100)
    assert ticks.labels[0] == "506"
    assert ticks.places[0] > ticks.places[-1]


def test_channels_without_a_depth_stand_below_a_line() -> None:
    channels = probe_of([0.0, np.nan, 40.0, np.nan], area=np.array(["A", "A", "A", "B"]))
    rows = arrange_rows(channels)
    assert block_edges(rows) == [0.5]
    ticks = row_ticks(channels, rows, 400)
    assert dict(zip(ticks.labels, ticks.places, strict=True)) == pytest.approx(
        {"40": 7 / 8, "0": 5 / 8}
    )
    assert block_names(rows) == {"y": [0.5], "text": ["no depth"]}
    # the areas of one block do not run on into the next
    assert area_runs(channels, rows) == [("A", 0, 2), ("A", 2, 3), ("B", 3, 4)]


def test_an_axis_is_as_wide_as_its_longest_label() -> None:
    assert axis_width(probe_of([20.0 + 40 * i for i in range(93)])) == LEFT
    long = probe_of([20.0 + 40 * i for i in range(93)], area=np.array(["a long name"] * 93))
    assert axis_width(long) == LEFT
    ids = Channels(np.arange(93) + 850_245_000, {}, None)
    assert axis_width(ids) > LEFT + 5
    half = probe_of([0.0, np.nan, 40.0, np.nan])
    assert axis_width(half) == LEFT  # the block's name stands in the picture


def test_blocks_have_their_names_and_labels_of_their_own() -> None:
    channels = probe_of([0.0, 100.0, 0.0, 100.0])
    blocks = (RowBlock("left", 0, 2, has_depth=True), RowBlock("right", 2, 4, has_depth=True))
    rows = Rows(np.array([1, 0, 3, 2]), blocks)
    assert block_names(rows) == {"y": [1, 0.5], "text": ["left", "right"]}
    ticks = row_ticks(channels, rows, 400)
    assert ticks.labels == ["100", "0", "100", "0"]
    assert ticks.places == pytest.approx([7 / 8, 5 / 8, 3 / 8, 1 / 8])


def test_names_of_areas_leave_room_for_one_another() -> None:
    runs = [("a", 0, 1), ("b", 1, 2), ("c", 2, 100)]
    assert area_labels(runs, 101, 200)["text"] == ["a", "c"]
    # the largest have their names first, and those at the edges lie within the panel
    assert area_labels([("a", 0, 2), ("b", 2, 12), ("c", 12, 13)], 13, 26)["text"] == ["b"]
    both = area_labels([("a", 0, 1), ("b", 1, 10)], 10, 40)
    assert both["text"] == ["a", "b"]
    assert (both["y"][0] - both["y"][1]) * 40 >= 12
    assert both["y"][0] * 40 <= 40 - 6


def test_dead_saturated_and_bad_channels_are_marked_at_their_height() -> None:
    dead, saturated = np.array([True, False, False, False]), np.array([True, False, True, False])
    bad = np.array([False, True, True, False])
    marks = channel_marks(np.array([7, 8, 9, 10]), dead, saturated, bad)
    assert marks["y"] == [0.875, 0.625, 0.375]
    assert marks["marker"] == ["x", "circle_x", "circle_x"]
    assert [what.partition(",")[0] for what in marks["what"]] == [
        "channel 7: dead: flat for half the recording",
        "channel 8: marked bad",
        "channel 9: marked bad; saturated: it often stays at its highest or lowest value",
    ]


def test_the_heading_says_what_is_doubtful_whatever_it_holds(slot: ProbeSlot) -> None:
    probe = ProbeSlot(slot.folder).open()
    assert doubts_html(probe) == ""
    probe.doubts = (
        Doubt("missing", "a & b"),
        Doubt("labels", 'depth is "z"'),
        Doubt("values", "no conversion <b>"),
    )
    said = doubts_html(probe)
    assert ">! no conversion &lt;b&gt; (+ 2 more)</span>" in said
    everything = "no conversion &lt;b&gt;&#10;depth is &quot;z&quot;&#10;a &amp; b"
    assert f'title="{everything}"' in said
    assert probe_facts(probe, 4, 0, []).startswith("4 channels · 1250 Hz")
    assert probe_facts(probe, 1, 1, ["2 noisy"]).startswith(
        "1 of 4 channels · 1250 Hz · 2 noisy · 1 marked bad (⊗)"
    )
    probe.close()


def test_the_heading_says_what_the_summary_found_of_the_channels(
    slot: ProbeSlot, tmp_path: Path
) -> None:
    folder = shutil.copytree(slot.folder, tmp_path / "probes" / slot.folder.name)
    probe = ProbeSlot(folder).open()
    live = np.median(probe.std[~probe.dead]) * 1e6
    ids = probe.references.channels.id.tolist()
    labels = ["noisy", "outside", "outside", *["good"] * (len(ids) - 3)]
    rows = [f"{one},{label},," for one, label in zip(ids, labels, strict=True)]
    table = folder / "channels.csv"
    table.write_text("\n".join(["channel,label,flags,reason", *rows, ""]))
    assert quality_facts(probe) == [f"median SD {live:.3g} µV", "1 noisy", "2 outside"]
    table.write_text("another table\n1\n")
    assert quality_facts(probe) == [f"median SD {live:.3g} µV"]
    probe.close()


def test_a_clock_reset_breaks_the_axis_and_hides_no_sample(tmp_path: Path) -> None:
    times = np.concatenate([30_000 + np.arange(1000) / 1250, np.arange(4000) / 1250])
    noise = recorded.walk(5000, 2, step=1e-6)
    references = recorded.index(tmp_path, noise, chunks=(700, 1), times=times)
    with recorded.probe(references) as probe:
        state = first_state([probe])
        assert len(state.timeline.breaks) == 1
        assert state.stop - state.start < 5
        picture = draw_probe(probe, state, 500, 40)
        read = [
            read_values(probe, state, picture.t0 + (i + 0.5) / 500 * (picture.t1 - picture.t0), 0)
            for i in range(500)
        ]
        found = [one.sample for one in read if one is not None]
        assert found == sorted(found)
        assert (found[0], found[-1]) == (pytest.approx(0, abs=20), pytest.approx(4999, abs=20))
        (trouble,) = find_issues(probe, state.timeline)
        assert trouble.what == "probe: clock reset: the clock is set back by 30000.800 s"
        assert (trouble.start, trouble.stop) == pytest.approx(state.timeline.breaks[0])


def test_gaps_and_what_lies_beyond_the_ends_are_named(tmp_path: Path) -> None:
    times = 10 + np.concatenate([np.arange(2000), 4000 + np.arange(3000)]) / 1250
    noise = recorded.walk(5000, 2, step=1e-6)
    references = recorded.index(tmp_path, noise, chunks=(700, 1), times=times)
    with recorded.probe(references) as probe:
        state = replace(first_state([probe]), start=9.0, stop=16.0)  # to 15.6 s
        found = find_empty(probe, state, 700)
        assert found["what"] == ["gap of 1.6 s", "before the recording", "after the recording"]
        edges = [found[name] for name in ("start", "stop")]
        assert edges == [pytest.approx([11.6, 9, 15.6]), pytest.approx([13.2, 10, 16])]
        assert found["pattern"] == ["/", " ", " "]  # only gaps are hatched
        assert found["label"] == ["gap of 1.6 s", "", ""]  # for the others there is no room
        assert find_empty(probe, replace(state, start=10.5, stop=11.5), 700) == no_gaps()
        assert find_empty(probe, state, 12)["what"] == []  # less than three pixels each


def test_gains_are_offered_about_the_likely_one(whole: State) -> None:
    likely = replace(whole, microvolts=200.0, is_auto=True)
    steps = ["10.0", "20.0", "50.0", "100.0", "200.0", "500.0", "1000.0", "2000.0", "5000.0"]
    assert [value for value, _ in offer_gains(200.0, likely)] == ["auto", *steps]
    quiet = [value for value, _ in offer_gains(200.0, likely.scaled(0.05))]
    assert quiet == ["auto", "0.05", *steps]


def test_the_menu_says_where_probes_are_drawn_in_several_modes(whole: State) -> None:
    state = replace(whole, probes=("a", "b"))
    controls = Controls([], state, [])
    one = state.drawn_as(HEAT, "a").drawn_as(TRACES, "b")
    controls.show(one)
    assert (controls.mode.value, controls.mode.options[0]) == ("", ("", "several modes"))
    assert controls.read(one).modes == one.modes
    controls.show(state.drawn_as(HEAT))
    assert (controls.mode.value, controls.mode.options[0][0]) == (HEAT, "auto")


def test_areas_that_no_probe_has_are_named(whole: State) -> None:
    wanted = replace(whole, areas=frozenset({"CA1", "XYZ", "ABC"}))
    state, doubts = drop_unknown_areas(wanted, ["CA1", "DG"])
    assert (state.areas, doubts) == ({"CA1"}, ["areas=ABC,XYZ"])
    assert drop_unknown_areas(state, ["CA1"]) == (state, [])


def test_controls_that_cannot_work_are_hidden(whole: State) -> None:
    for areas in [], ["CA1"]:
        assert Controls([], whole, areas).areas.visible == bool(areas)


def test_a_transform_is_drawn_or_the_picture_says_that_it_is_not(slot: ProbeSlot) -> None:
    state = replace(first_state([slot.open()]), transform="median 30-80Hz").at(10.5, 11.0)
    raw = draw(slot, replace(state, transform=""), 300, 80)
    close = draw(slot, state, 300, 80)
    assert isinstance(close, Picture)
    assert isinstance(raw, Picture)
    assert close.badge().startswith("median 30-80Hz · every sample")
    assert (close.pixels != raw.pixels).any()
    beyond = draw(slot, replace(state, transform="<900Hz"), 300, 80)
    assert isinstance(beyond, Picture)
    assert "AS RECORDED, not <900Hz: edge of 900.0 Hz" in beyond.badge()
    assert (beyond.pixels == raw.pixels).all()
    assert sketch(slot, state, 300, 80) is None
    reading = read_values(slot.open(), state, 10.7, 0.5)
    assert reading is not None
    probe, _ = transformed_for(slot.open(), state)
    volts = probe.volts(probe.samples(reading.sample, reading.sample + 1))[reading.row, 0]
    assert reading.low == volts != 0


def test_a_reading_of_transformed_columns_has_no_rms(slot: ProbeSlot) -> None:
    state = replace(first_state([slot.open()]), transform="median").at(10.5, 12.0)
    grid = drawn(slot, state, width=50).grid
    reading = read_values(slot.open(), state, 11.0, 0.5, grid)
    assert reading is not None
    assert reading.n_samples > 1
    assert "µV" in reading.text(state)
    assert "nan" not in reading.text(state)
    assert "RMS" not in reading.text(state)


def test_channels_by_an_expression(slot: ProbeSlot) -> None:
    probe = slot.open()
    state = first_state([probe])
    ids = probe.references.channels.id
    typed = type_channels([probe], state, f"channel in [{ids[0]}, {ids[2]}] or depth < 0")
    assert sorted(chosen_rows(probe, typed).channels.tolist()) == [0, 2]
    assert type_channels([probe], typed, "0-20") == replace(state, depths=(0.0, 20.0))
    with pytest.raises(ValueError, match="Not understood: no column 'hue' "):
        type_channels([probe], state, "hue > 3")
    other = replace(state, where="hue > 3")  # of another probe
    assert not chosen_rows(probe, other).channels.size


def test_a_label_by_hand_changes_the_reference_at_once(copy: Path) -> None:
    slot = ProbeSlot(copy)
    state = replace(first_state([slot.open()]), transform="median").at(10.5, 11.0)
    before = drawn(slot, state)
    channel = int(slot.open().references.channels.id[0])
    table = copy.parents[1] / "bad_channels.tsv"
    table.write_text(f"probe\tchannel\tlabel\tnote\n{slot.name}\t{channel}\tnoisy\t\n")
    after = drawn(slot, state)
    assert (after.pixels != before.pixels).any()
    table.unlink()
    assert (drawn(slot, state).pixels == before.pixels).all()
