"""periods.csv, and the ranges in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.errors import UserError
from lfpscope.periods.table import (
    Period,
    artefact_times,
    parse_ranges,
    ranges_text,
    read_periods,
    write_periods,
)


@given(st.lists(st.integers(-50, 400)))
def test_ranges_come_back(numbers: list[int]) -> None:
    text = ranges_text(numbers)
    assert list(parse_ranges(text)) == sorted(set(numbers))
    assert len(text) <= len(" ".join(map(str, sorted(set(numbers)))))


def test_a_probe_takes_few_letters() -> None:
    assert ranges_text(range(850_000_000, 850_000_000 + 93 * 8, 8)) == "850000000-850000736/8"


def test_a_table_is_in_the_order_of_time_and_comes_back(tmp_path: Path) -> None:
    periods = [
        Period(4.5, 5.25, "theta", (1, 2, 3), 2.5),
        Period(1.0, 2.0, "gap", (), 1.0),
        Period(4.5, 5.25, "artefact", (7,), 0.5),
    ]
    write_periods(tmp_path / "periods.csv", periods)
    assert (tmp_path / "periods.csv").read_text() == (
        "start,stop,kind,channels,strength\n"
        "1.000000,2.000000,gap,,1\n"
        "4.500000,5.250000,artefact,7,0.5\n"
        "4.500000,5.250000,theta,1-3,2.5\n"
    )
    assert read_periods(tmp_path / "periods.csv") == [periods[1], periods[2], periods[0]]


@pytest.mark.parametrize(
    "row", ["1.0,2.0,nap,,1", "x,2.0,gap,,1", "1.0,2.0,gap,a-b,1", "1.0,2.0,gap", "1,2,gap,1/2,1"]
)
def test_another_row_is_refused_in_a_line(row: str, tmp_path: Path) -> None:
    table = tmp_path / "periods.csv"
    table.write_text(f"start,stop,kind,channels,strength\n1.0,2.0,gap,,1\n{row}\n")
    with pytest.raises(UserError, match=r"periods\.csv, line 3: no period \(.*\. Delete the file"):
        read_periods(table)


def test_averages_leave_out_artefacts_and_saturation_of_most_channels() -> None:
    periods = [
        Period(1.0, 2.0, "artefact", (1,), 0.3),
        Period(3.0, 4.0, "saturated", (1,), 0.2),
        Period(5.0, 6.0, "saturated", (1, 2), 0.9),
        Period(7.0, 8.0, "theta", (1,), 9.0),
    ]
    assert artefact_times(periods) == [(1.0, 2.0), (5.0, 6.0)]
