"""What a butterfly says of its heights."""

from types import SimpleNamespace

import numpy as np
import pytest

from lfpscope.viewer.auto_gain import BAR
from lfpscope.viewer.gestures import toggle_butterfly
from lfpscope.viewer.labels import voltage_ticks
from lfpscope.viewer.shown_rows import nearest_owner
from lfpscope.viewer.view_state import BUTTERFLY, State


@pytest.mark.parametrize(("microvolts", "height"), [(200.0, 500), (1000.0, 118), (2.0, 64)])
def test_microvolts_stand_at_their_height(microvolts: float, height: int) -> None:
    ticks = voltage_ticks(microvolts, height)
    values = [float(label.replace("−", "-")) for label in ticks.labels]
    assert values == sorted(values)
    assert 0 in values
    assert len(values) >= 3
    for place, value in zip(ticks.places, values, strict=True):
        assert (place - 0.5) * height == pytest.approx(value / microvolts * BAR)
        assert 0 < place < 1
    assert min(np.diff(ticks.places)) * height >= 13
    assert voltage_ticks(0, height).labels == []


def test_the_mouse_is_at_the_line_that_is_nearest() -> None:
    owners = np.full((50, 100), -1, np.int16)
    owners[10, 40:60] = 7
    owners[30, 40:60] = 2
    picture = SimpleNamespace(owners=owners, t0=5.0, t1=6.0)
    places = [(5.5, 1.0), (5.5, 0.65), (5.5, 0.55), (5.37, 0.7), (5.2, 0.8), (5.5, 0.0)]
    assert [nearest_owner(picture, *place) for place in places] == [7, 7, 2, 7, None, 2]


def test_all_probes_become_butterflies_and_back() -> None:
    state = State(0.0, 1.0, 100.0, probes=("a", "b")).drawn_as("heat", "a")
    both = toggle_butterfly(state)
    assert [both.mode(name, 100) for name in "ab"] == [BUTTERFLY] * 2
    assert not toggle_butterfly(both).modes
