"""Times in words, in Python and in JavaScript."""

import json
import math
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.clock.segments import Clock, Segment
from lfpscope.clock.timeline import make_timeline
from lfpscope.formatting import (
    SESSION_TIME_JS,
    TICK_LABEL_JS,
    TIME_TEXT_JS,
    clock_text,
    date_text,
    duration_text,
    percent_text,
    time_text,
)

NODE = shutil.which("node")
TIMES = [
    (0.0, 0, "0:00"),
    (5.0, 0, "0:05"),
    (245.0, 0, "4:05"),
    (0.25, 2, "0:00.25"),
    (59.999, 1, "1:00.0"),
    (3599.9, 0, "1:00:00"),
    (4000.0, 0, "1:06:40"),
    (8400.5, 1, "2:20:00.5"),
    (86_399.0, 0, "23:59:59"),
    (183_600.0, 0, "2 d 3:00:00"),
    (-3600.0, 0, "−1:00:00"),
    (-5.25, 2, "−0:05.25"),
    (-0.001, 0, "0:00"),
    (1_651_000_000.0, 0, "19:06:40"),
    (1_651_017_600.5, 1, "00:00:00.5"),
]


@pytest.mark.parametrize(("seconds", "decimals", "text"), TIMES)
def test_session_time(seconds, decimals, text):
    assert time_text(seconds, decimals) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (245.0, "4:05"),
        (0.25, "0:00.25"),
        (4000.1, "1:06:40.1"),
        (1e-6, "0:00.000001"),
        (1_651_000_000.5, "19:06:40.5"),
        (0.9999999, "0:01"),
    ],
)
def test_session_time_as_fine_as_it_needs_to_be(seconds, text):
    assert clock_text(seconds) == text


def test_date_of_seconds_since_1970():
    assert date_text(1_651_000_000.0) == "2022-04-26 UTC"
    assert date_text(27_720.0) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.008, "8 ms"),
        (0.99996, "1 s"),
        (5.3, "5.3 s"),
        (59.98, "1 min 0 s"),
        (245.0, "4 min 5 s"),
        (8520.0, "2 h 22 min"),
        (86_399.0, "1 d 0 h"),
        (604_800.0, "7 d 0 h"),
    ],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def run_js(code: str) -> object:
    printed = subprocess.run(
        [NODE or "", "-e", f"console.log(JSON.stringify({code}))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(printed.stdout)


@pytest.mark.skipif(NODE is None, reason="JavaScript needs node")
def test_javascript_says_the_same():
    cases = [[seconds, decimals] for seconds, decimals, _ in TIMES]
    code = f"(() => {{{TIME_TEXT_JS}; return {json.dumps(cases)}.map((c) => time_text(...c))}})()"
    assert run_js(code) == [text for _, _, text in TIMES]


@pytest.mark.skipif(NODE is None, reason="JavaScript needs node")
@pytest.mark.parametrize(
    ("ticks", "texts"),
    [
        ([0, 0.5, 1], ["0:00.0", "0:00.5", "0:01.0"]),
        ([3600, 4200], ["1:00:00", "1:10:00"]),
        ([1_651_000_000, 1_651_000_010], ["19:06:40", "19:06:50"]),
    ],
)
def test_labels_of_an_axis_without_breaks(ticks, texts):
    assert labels(ticks, []) == texts


@pytest.mark.skipif(NODE is None, reason="JavaScript needs node")
def test_labels_of_a_broken_axis():
    # 4 s at 1:00:00, then the clock is reset: 16 s from 0:00, after a break of 0.4 s
    segments = Segment(0, 4, 3600.0, 1.0), Segment(4, 16, 0.0, 1.0)
    timeline = make_timeline([Clock(segments)])
    stretches = timeline.to_json()
    assert stretches == [[3600.0, 3604.0, 3600.0], [3604.4, 3620.4, 0.0]]
    ticks = [3600, 3602, 3604.2, 3604.4, 3614.4]
    assert labels(ticks, stretches) == ["1:00:00", "1:00:02", "", "0:00", "0:10"]
    code = f"const stretches = {stretches}; {SESSION_TIME_JS}"
    found = run_js(f"(() => {{{code}; return {ticks}.map(session_time)}})()")
    assert found == pytest.approx([timeline.to_session(tick) for tick in ticks])


def labels(ticks: list[float], stretches: list[list[float]]) -> object:
    label = f"new Function('tick', 'ticks', 'stretches', {json.dumps(TICK_LABEL_JS)})"
    ask = f"ticks.map((tick) => label(tick, ticks, {json.dumps(stretches)}))"
    return run_js(f"((label, ticks) => {ask})({label}, {json.dumps(ticks)})")


@given(st.integers(-(10**12), 10**12))
def test_session_time_can_be_read_back(milliseconds):
    seconds = milliseconds / 1000
    text = time_text(seconds, 3)
    days, _, clock = text.lstrip("−").rpartition(" d ")
    parts = [float(part) for part in clock.split(":")]
    total = sum(part * 60**i for i, part in enumerate(reversed(parts))) + 86_400 * int(days or 0)
    if 1e8 <= seconds <= 5e9:  # the time of day
        assert math.isclose(total, seconds % 86_400, abs_tol=1e-3)
    else:
        assert math.isclose(-total if "−" in text else total, seconds, abs_tol=1e-3)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0035, "0.35 %"), (0.187, "19 %"), (0.997, "100 %"), (1.624, "160 %"), (0.0, "0 %")],
)
def test_shares_have_no_exponent(share: float, text: str) -> None:
    assert percent_text(share) == text
