"""Overviews show intervals where they lie, on the time axis of what is below."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import matplotlib.image
import numpy as np
import pytest
import recorded

from lfpscope.clock.segments import Clock, Segment
from lfpscope.clock.timeline import make_timeline
from lfpscope.envelope.read import OpenProbe
from lfpscope.errors import UserError
from lfpscope.nwb.recording import read_recording
from lfpscope.references.open import open_references
from lfpscope.references.write import write_references
from lfpscope.render.areas import interval_colours
from lfpscope.render.overviews import draw_probe, draw_session, probe_caption
from lfpscope.render.palettes import LABEL_COLOURS
from lfpscope.render.profile import MARKS, PROFILE, Profile, total_rms
from lfpscope.render.view import read_view

Draw = Callable[[str | None], bytes]

HEADER = "start,stop,name,table\n"
INTERVALS = f"""{HEADER}0,5,before,epochs
12,13,flashes,flashes_presentations
14,,flashes,flashes_presentations
15,20,drifting_gratings,drifting_gratings_presentations
18,24,spontaneous,spontaneous_presentations
"""
NAMES = ("flashes", "drifting_gratings", "spontaneous")
FLASHES, GRATINGS, SPONTANEOUS = (
    [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    for colour in (interval_colours(NAMES)[name] for name in NAMES)
)
PAPER = [0xF1, 0xF0, 0xEE]
WIDTH, LEFT = 1510, 190  # pixels of a picture, and to the left of what it shows
STOP = WIDTH - 120
SIZE: dict[str, Any] = {"width": WIDTH, "height": 400}
PROBE_SIZE = {**SIZE, "width": WIDTH + PROFILE}  # the map is as wide


@pytest.fixture(scope="module", params=["probe", "session"])
def draw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """Return a function that draws a recording from 10 to 26 s beneath a table of intervals."""
    folder = tmp_path_factory.mktemp("drawn")
    data = recorded.walk(20_000, 2, step=1e-6).astype(np.float32)
    references = recorded.index(folder, data, chunks=(1000, 1))
    _, envelope = recorded.summarise(references)
    overview, thumbnail = folder / "overview.png", folder / "thumbnail.png"

    def draw(rows: str | None) -> bytes:
        table = folder / "intervals.csv" if rows else None
        if table:
            table.write_text(rows)
        if request.param == "probe":
            both = {"overview": overview, "thumbnail": thumbnail}
            draw_probe(references.file, envelope, intervals=table, **both, **PROBE_SIZE)
        else:
            both = {"overview": overview, "intervals": table}
            draw_session([references.file], [envelope], session="s", **both, **SIZE)
        return overview.read_bytes()

    return draw


def lane_top(picture: Any) -> int:
    """First row of the lane of intervals, lower where there are doubts; none is at 10.1 s."""
    return int(np.flatnonzero((picture[60:120, LEFT + 5] == PAPER).all(axis=1))[0]) + 60


def test_intervals_lie_above_their_time(draw: Draw) -> None:
    drawn = draw(INTERVALS)
    picture = (matplotlib.image.imread(BytesIO(drawn))[:, :, :3] * 255).round().astype(int)
    top = lane_top(picture)
    lane = picture[top : top + 10, LEFT:STOP]  # the last column is 26 s

    def column(seconds: float) -> list[list[int]]:
        return lane[:, int((seconds - 10) / 16 * lane.shape[1])].tolist()

    for seconds in (10.5, 11.8, 13.2, 14.2, 14.8, 24.3, 25.8):
        assert column(seconds) == [PAPER] * 10
    for seconds in (12.2, 12.8):
        assert column(seconds) == [FLASHES] * 10
    for seconds in (15.2, 17.8):
        assert column(seconds) == [GRATINGS] * 10
    for seconds in (18.2, 19.8):  # both are there, and neither hides the other
        assert column(seconds) == [GRATINGS] * 5 + [SPONTANEOUS] * 5
    for seconds in (20.2, 23.8):
        assert column(seconds) == [SPONTANEOUS] * 10
    point = lane[0, 285:315].tolist()  # 13.8 to 14.2 s
    assert point.count(FLASHES) == 1
    assert draw(INTERVALS) == drawn


def test_damage_is_hatched_where_it_has_a_time(tmp_path: Path) -> None:
    times = 10 + np.arange(20_000) / recorded.RATE
    times[:500] = -1.0  # half of the first chunk
    data = recorded.walk(20_000, 2, step=1e-6)
    how = {"chunks": (1000, 1), "times": times, "damaged": ((0, 1), (10, 0))}
    references = recorded.index(tmp_path, data, **how)
    _, envelope = recorded.summarise(references)
    overview, thumbnail = tmp_path / "overview.png", tmp_path / "thumbnail.png"
    draw_probe(references.file, envelope, overview=overview, thumbnail=thumbnail, **PROBE_SIZE)
    with OpenProbe(references, envelope) as probe:
        top = 64 + 16 * bool(probe.doubts)  # they fill a line
    red, green, _ = np.moveaxis(matplotlib.image.imread(overview)[top:, LEFT:STOP, :3], 2, 0)
    hatched = (red > 0.6) & (green < 0.4)  # 1200 columns from 10.4 to 26 s
    halves = hatched[4:64], hatched[84:134]  # of the traces; channel 0 is the lower one
    upper, lower = (np.flatnonzero(half.sum(axis=0) > 5) for half in halves)
    assert (lower.min(), lower.max()) == pytest.approx((585, 646), abs=4)  # 18 to 18.8 s
    assert (upper.min(), upper.max()) == pytest.approx((0, 31), abs=4)  # 10.4 to 10.8 s


def test_rms_is_of_all_samples_whatever_the_columns(tmp_path: Path) -> None:
    data = recorded.walk(20_000, 3, step=1e-6)
    data[:, 1] = np.nan
    with recorded.probe(recorded.index(tmp_path, data, chunks=(1000, 3))) as probe:
        clock = probe.references.clock
        found = [total_rms(read_view(probe, clock.t0, clock.t1, n), probe) for n in (16, 700)]
    expected = [np.std(one - recorded.baseline(one, 2048, 128)) for one in data.T[::2]]
    for rms in found:
        assert np.isnan(rms[1])
        assert rms[::2] == pytest.approx(expected, rel=0.02)


def test_bad_channels_are_marked_beside_the_map(tmp_path: Path) -> None:
    data = recorded.walk(20_000, 5, step=2e-6)
    references = recorded.index(tmp_path, data, chunks=(1000, 5))
    _, envelope = recorded.summarise(references)
    channels, by_hand = tmp_path / "channels.csv", tmp_path / "bad_channels.tsv"
    labels = ("good", "dead", "noisy", "outside", "good")
    rows = [f"{i},{label},,\n" for i, label in enumerate(labels)]
    channels.write_text("channel,label,flags,reason\n" + "".join(rows))
    by_hand.write_text("probe\tchannel\tlabel\tnote\nprobe\t2\tgood\t\nprobe\t4\tnoisy\t\n")

    def marked(**tables: Path) -> dict[str, list[int]]:
        """Channels of the rows in which the colour of a label is found."""
        overview = tmp_path / "o.png"
        size = {"width": 1600, "height": 1000}
        pictures = {"overview": overview, "thumbnail": tmp_path / "t.png"}
        draw_probe(references.file, envelope, **pictures, **size, **tables)
        picture = (matplotlib.image.imread(overview)[:, 1370:1500, :3] * 255).round()
        found = {}
        for name in ("dead", "noisy", "outside"):
            colour = [int(LABEL_COLOURS[name][i : i + 2], 16) for i in (1, 3, 5)]
            y = np.flatnonzero((np.abs(picture - colour).max(axis=2) < 12).any(axis=1))
            found[name] = sorted({int(4 - (one - bottom + height) * 5 // height) for one in y})
        return found

    bottom, height = 1000 - 54, 312
    assert marked() == {"dead": [], "noisy": [], "outside": []}
    assert marked(channels=channels) == {"dead": [1], "noisy": [2], "outside": [3]}
    both = marked(channels=channels, by_hand=by_hand)
    assert both == {"dead": [1], "noisy": [4], "outside": [3]}


def test_marks_are_explained() -> None:
    rms = np.full(4, 1e-5)
    assert Profile(rms, ["good", "dead", "noisy", "dead"]).describe() == (
        "RMS at the right: ○ 2 dead, △ 1 noisy"
    )
    assert Profile(rms, ["good"] * 4).describe() == Profile(rms, []).describe() == ""
    assert set(MARKS) == set(LABEL_COLOURS) - {"good"}


def test_saturated_channels_are_counted_in_the_caption(tmp_path: Path) -> None:
    data = np.round(recorded.walk(20_000, 4, step=50.0)).astype("<i2")
    data[16_000:, :3] = 32_767
    references = recorded.index(tmp_path, data, chunks=(1000, 4))
    _, envelope = recorded.summarise(references)
    with OpenProbe(references, envelope) as probe:
        clock = references.clock
        view = read_view(probe, clock.t0, clock.t1, 100)
        assert "3 saturated channels" in probe_caption(probe, view, make_timeline([clock]), 1)


def test_a_probe_without_a_time_does_not_take_its_session_along(tmp_path: Path) -> None:
    made = {}
    untimed = Clock((Segment(0, 900, np.nan, np.nan, valid=False),))  # as of a file on a server
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        data = recorded.walk(900, 1, step=1e-6)
        references = recorded.index(tmp_path / name, data, chunks=(900, 1))
        if name == "bad":
            where = {"path": references.file, "address": references.address}
            with h5py.File(references.address) as nwb:
                described = read_recording(nwb, recorded.SERIES)
                write_references(nwb, described, untimed, session="s", probe="bad", **where)
            references = open_references(references.file)
        made[name] = references.file, recorded.summarise(references)[1]

    def draw(*names: str) -> bytes:
        picture = tmp_path / "overview.png"
        inputs = zip(*(made[name] for name in names), strict=True)
        draw_session(*inputs, session="s", overview=picture, **SIZE)
        return picture.read_bytes()

    both, alone = (matplotlib.image.imread(BytesIO(draw(*n))) for n in (("good", "bad"), ("good",)))
    assert (both[60:] == alone[60:]).all()
    assert (both[:60] != alone[:60]).any()  # the caption names it
    with pytest.raises(UserError, match="no sample has a usable time; nothing can be drawn"):
        draw("bad")


def test_a_picture_grows_with_more_probes_than_fit(tmp_path: Path) -> None:
    references = recorded.index(tmp_path, recorded.walk(900, 1, step=1e-6), chunks=(900, 1))
    _, envelope = recorded.summarise(references)
    picture, n = tmp_path / "overview.png", 9
    many = [references.file] * n, [envelope] * n
    draw_session(*many, session="s", overview=picture, **SIZE)
    assert matplotlib.image.imread(picture).shape[:2] == (84 + 9 * 16 + 8 * 34 + 54, WIDTH)


def test_no_lane_where_nothing_would_be_in_it(draw: Draw) -> None:
    without = draw(None)
    assert draw(HEADER) == without
    assert draw(f"{HEADER}0,5,before,epochs\n") == without
    assert draw(INTERVALS) != without


def test_names_are_no_formulas_and_end_where_the_lane_does(draw: Draw) -> None:
    rows = [f"{12 + i},{13 + i},cost $x_$ {'and more ' * i},trials\n" for i in range(13)]
    picture = matplotlib.image.imread(BytesIO(draw(HEADER + "".join(rows))))[:, :, :3]
    top = lane_top((picture * 255).round())
    names = picture[top - 16 : top - 2]
    assert names[:, LEFT:STOP].min() < 0.7
    assert names[:, STOP + 30 :].min() == 1.0
