"""Marks, intervals and the worker of the viewer, without a browser."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lfpscope.clock.timeline import Stretch, Timeline
from lfpscope.errors import UserError
from lfpscope.nwb.intervals import Interval, read_intervals
from lfpscope.viewer import marks
from lfpscope.viewer.intervals import MAX_BLOCKS, IntervalLane, make_lane, saved_names
from lfpscope.viewer.worker import Worker


def test_no_mark_is_lost_when_many_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: marks.add_mark(path, [(i, i + 1)], f"mark {i}"), range(40)))
    assert sorted(mark.note for mark in marks.read_marks(path)) == sorted(
        f"mark {i}" for i in range(40)
    )


def test_notes_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    marks.add_mark(path, [(1, 2)], 'a, "b"\n<c>\td µ')
    (mark,) = marks.read_marks(path)
    assert mark.note == 'a, "b" <c> d µ'
    assert marks.marked([mark]) == [Interval(1, 2, 'mark: a, "b" <c> d µ')]


def test_bad_channels_are_toggled(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    marks.toggle_bad(path, "a", 7)
    after = marks.toggle_bad(path, "b", 8)
    assert marks.bad_channels(after) == {("a", 7), ("b", 8)}
    assert marks.bad_channels(marks.toggle_bad(path, "a", 7)) == {("b", 8)}


def test_the_last_mark_in_a_range_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    for start in (0, 10, 12):
        marks.add_mark(path, [(start, start + 1)], "")
    assert [float(one.start) for one in marks.remove_mark(path, [(9, 15)])] == [0, 10]
    assert len(marks.remove_mark(path, [(20, 30)])) == 2


def test_a_mark_may_be_of_some_channels_of_a_probe(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    marks.add_mark(path, [(1, 2)], "ripple", "a", [7, 8])
    marks.add_mark(path, [(3, 4)], "")
    after = marks.toggle_bad(path, "a", 9)
    ripple = Interval(1, 2, "mark: ripple")
    assert marks.boxes(after, "a") == [(ripple, {7, 8})]
    assert marks.boxes(after, "b") == []
    assert marks.marked(after) == [ripple, Interval(3, 4, "mark")]
    assert marks.bad_channels(after) == {("a", 9)}


HEADER = "start,stop,probe,channel,note\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER}1,2,,,a\nsoon,9,,,b\n", "line 3: start is 'soon'; expected seconds"),
        (f"{HEADER}1,,,,a\n", "line 2: stop is ''; expected seconds"),
        (f"{HEADER}1,nan,,,a\n", "line 2: stop is 'nan'; expected seconds"),
        (f"{HEADER}1,2,,,a, with a comma\n", "line 2: expected 5 cells, found more"),
        (f'{HEADER}1,2,,,"a\n3,4,,,b\n', "line 3: unexpected end of data"),
        ("start,stop,note\n1,2,a\n", f"line 1: expected the columns {HEADER.strip()}"),
        ("start;stop;probe;channel;note\n", f"line 1: expected the columns {HEADER.strip()}"),
        ("", f"line 1: expected the columns {HEADER.strip()}"),
    ],
)
def test_a_file_that_was_edited_badly_is_named_and_left(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(content)
    for use in (
        lambda: marks.read_marks(path),
        lambda: marks.add_mark(path, [(5, 6)], "new"),
        lambda: marks.remove_mark(path, [(0, 9)]),
        lambda: marks.toggle_bad(path, "a", 7),
    ):
        with pytest.raises(UserError) as error:
            use()
        assert str(error.value).startswith(f"{path}, {message}. Correct it")
    assert path.read_text() == content


def test_a_file_that_was_edited_well_is_read(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text("note,start,stop,probe,channel\r\nspindle,1,2\r\n", encoding="utf-8-sig")
    assert marks.read_marks(path) == [marks.Mark("1", "2", note="spindle")]


def test_intervals_with_holes_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / "intervals.csv"
    assert read_intervals(path) == []
    path.write_text("start,stop,name,extra\n5,6,b,1\n1,,a,\n,3,c,\nnan,2,d,\n9,8,e,\n")
    assert read_intervals(path) == [
        Interval(1, 1, "a"),
        Interval(5, 6, "b", about="extra 1"),
        Interval(9, 9, "e"),
    ]


ONE_PIECE = Timeline(())


def lane(*intervals: Interval, timeline: Timeline = ONE_PIECE) -> IntervalLane:
    return make_lane(intervals, timeline)


def test_next_and_previous_interval() -> None:
    some = lane(Interval(0, 2, "a"), Interval(4, 6, "b"), Interval(8, 10, "c"))
    found = [some.neighbour(t, 1) for t in (-1, 0, 3.9, 4, 8)]
    assert found == [(0, 2), (4, 6), (4, 6), (8, 10), None]
    assert [some.neighbour(t, -1) for t in (0, 4, 4.1, 99)] == [None, (0, 2), (4, 6), (8, 10)]
    assert lane().neighbour(0, 1) is None


def test_next_and_previous_of_a_kind_and_block() -> None:
    flashes = [Interval(10 + 2 * i, 10.2 + 2 * i, "flash", "flashes") for i in range(5)]
    later = [Interval(100 + 2 * i, 100.2 + 2 * i, "flash", "flashes") for i in range(5)]
    frames = [Interval(50 + i / 30, 50 + (i + 1) / 30, f"frame {i}", "movie") for i in range(90)]
    some = lane(*flashes, *frames, *later)
    assert some.neighbour(18, 1, "flash") == (100, 100.2)
    assert some.neighbour(100, -1, "flash") == (18, 18.2)
    assert some.neighbour(0, 1, "frame 3") == pytest.approx((50.1, 50.1 + 1 / 30))
    found = [some.neighbour_block(t, 1) for t in (0, 10, 51, 100)]
    assert [one and one[0] for one in found] == [10, 50, 100, None]
    assert some.neighbour_block(100, -1) == pytest.approx((50, 50 + 1 / 30))
    assert lane().neighbour_block(0, 1) is None


def test_each_table_has_a_line_and_says_all_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "intervals.csv"
    path.write_text(
        "start,stop,name,table,orientation,stimulus_name\n"
        "1,2,gratings,g_presentations,90,gratings\n5,6,flash,flashes,,\n"
    )
    some = make_lane(read_intervals(path), ONE_PIECE)
    some = some.with_marks([Interval(3, 4, "mark")], ONE_PIECE)
    assert some.lines == ["g_presentations", "flashes", "marks"]
    here = some.blocks(0, 10, 1000)
    lines = zip(here["name"], here["about"], here["bottom"], here["top"], strict=True)
    assert sorted(lines) == [
        ("flash", "", 1, 2),
        ("gratings", "orientation 90", 2, 3),
        ("mark", "", 0, 1),
    ]


def test_many_tables_share_the_last_line() -> None:
    some = lane(*(Interval(i, i + 1, "x", f"table {i}") for i in range(9)))
    assert some.lines == [*(f"table {i}" for i in range(5)), "others"]
    assert some.blocks(0, 10, 100)["bottom"] == [5, 4, 3, 2, 1, 0, 0, 0, 0]


def test_lines_left_out_keep_their_place() -> None:
    tables = [Interval(0, 1, "flash", "flashes"), Interval(2, 3, "b", "movie"), Interval(4, 5, "c")]
    some = lane(*tables).leave_out(frozenset({"movie", "no such line"}))
    assert some.lines == ["flashes", "movie", "intervals"]
    assert saved_names(some.lines, frozenset({"movie"}))[1] == "hidden: movie"
    here = some.blocks(0, 10, 1000)
    assert (here["name"], here["bottom"]) == (["flash", "c"], [2, 0])
    assert some.neighbour(0, 1) == (4, 5)
    assert some.neighbour_block(0, 1) == (4, 5)


def test_marks_are_visited_as_intervals_are() -> None:
    some = lane(Interval(0, 2, "a")).with_marks([Interval(5, 6, "mark: b")], ONE_PIECE)
    assert some.neighbour(1, 1) == (5, 6)
    here = some.blocks(0, 10, 100)
    assert (here["name"], here["start"]) == (["a", "mark: b"], [0, 5])
    assert here["colour"][0] != here["colour"][1]


def test_names_stand_where_there_is_room() -> None:
    here = lane(Interval(0, 1, "short"), Interval(5, 50, "a long one")).blocks(0, 100, 1000)
    assert dict(zip(here["name"], here["label"], strict=True)) == {
        "short": "",
        "a long one": "a long one",
    }
    one_in_another = lane(Interval(0, 50, "outer"), Interval(0, 20, "inner")).blocks(0, 100, 1000)
    places = zip(one_in_another["label"], one_in_another["at"], strict=True)
    assert sorted(places) == [("inner", 4), ("outer", 0)]  # one beside the letters of the other


def test_a_short_interval_is_as_wide_as_can_be_seen() -> None:
    here = lane(Interval(50, 50.001, "flash"), Interval(70, 70, "point")).blocks(0, 100, 1000)
    assert here["start"] == [50, 70]
    assert here["stop"] == pytest.approx([50.15, 70.15])  # a pixel and a half


def test_neighbours_of_a_kind_within_a_pixel_are_one_block() -> None:
    touching = [Interval(i, i + 1, "grating") for i in range(10)]
    near = [Interval(20, 21, "grating"), Interval(21.05, 22, "grating")]  # half a pixel apart
    far = [Interval(30, 31, "grating"), Interval(31.3, 32, "grating")]
    other = [Interval(4, 5, "flash")]
    here = lane(*touching, *near, *far, *other).blocks(0, 100, 1000)
    blocks = sorted(zip(here["start"], here["stop"], here["name"], strict=True))
    assert blocks == [
        (0, 10, "10 × grating"),
        (4, 5, "flash"),
        (20, 22, "2 × grating"),
        (30, 31, "grating"),
        (31.3, 32, "grating"),
    ]


def test_a_session_of_61166_presentations_is_blocks_at_every_zoom() -> None:
    kinds = ["gabors", "flashes", "gratings", "movie"]
    some = [Interval(100 + i * 0.13, 100.1 + i * 0.13, kinds[i // 15_292]) for i in range(61_166)]
    whole = lane(*some)
    here = whole.blocks(0, 8200, 1240)
    names = zip(here["name"], here["start"], strict=True)
    assert [name.split(" × ") for name, _ in sorted(names, key=lambda one: one[1])] == [
        ["15292", "gabors"],
        ["15292", "flashes"],
        ["15292", "gratings"],
        ["15290", "movie"],
    ]
    for span in (1000, 100, 10, 1):
        here = whole.blocks(2000, 2000 + span, 1240)
        assert 0 < len(here["start"]) <= MAX_BLOCKS
        shown = sum(int(n.split(" × ")[0]) if "×" in n else 1 for n in here["name"])
        assert shown == sum(one.stop >= 2000 and one.start <= 2000 + span for one in some)


def test_thousands_of_names_are_blocks_as_well() -> None:
    here = lane(*(Interval(i, i + 0.1, f"trial {i}") for i in range(5000))).blocks(0, 5000, 1000)
    assert 0 < len(here["start"]) <= MAX_BLOCKS


def test_an_interval_across_a_break_is_drawn_on_both_sides() -> None:
    broken = Timeline((Stretch(0, 0, 10, 0), Stretch(0, 1000, 1010, 11)))
    here = lane(Interval(8, 1003, "rest"), timeline=broken).blocks(0, 21, 1000)
    assert list(zip(here["start"], here["stop"], strict=True)) == [(8, 10), (11, 14)]


def test_a_worker_drops_requests_that_are_overtaken() -> None:
    done: list[int] = []
    free = threading.Event()

    def work(request: int, _stale: Callable[[], bool]) -> None:
        free.wait(60)
        done.append(request)

    worker = Worker(work)
    for request in range(30):
        worker.submit(request)
        time.sleep(0.001)
    free.set()
    _wait_for(lambda: done[-1:] == [29])
    assert len(done) <= 2  # one that it was at, and the latest
    worker.stop()


def test_a_worker_for_all_requests_does_them_in_order_even_when_stopped() -> None:
    done: list[int] = []
    free = threading.Event()

    def work(request: int, _stale: Callable[[], bool]) -> None:
        free.wait(60)
        done.append(request)

    worker = Worker(work, every=True)
    for request in range(30):
        worker.submit(request)
    worker.stop()
    free.set()
    _wait_for(lambda: done == list(range(30)))


def test_a_worker_outlives_a_request_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[int] = []

    def work(request: int, _stale: Callable[[], bool]) -> None:
        done.append(1 // request)

    worker = Worker(work)
    worker.submit(0)
    _wait_for(lambda: "ZeroDivisionError" in capsys.readouterr().err)
    worker.submit(1)
    _wait_for(lambda: done == [1])
    worker.stop()


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
