"""Channels chosen by an expression, beside pandas' query."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfpscope.samples.channel_expression import check_expression, find_channels

TABLE = pd.DataFrame(
    {
        "channel": [3, 5, 7, 9, 11],
        "depth": [0.0, 40.0, 80.0, 120.0, 160.0],
        "area": ["CA1", "CA1", "DG", "VISp", "root"],
        "x": [16, 48, 16, 48, 16],
    }
)
COLUMNS = {name: TABLE[name].to_numpy() for name in TABLE}


def found(text: str) -> list[int]:
    return np.flatnonzero(find_channels(text, COLUMNS, len(TABLE))).tolist()


def test_by_hand() -> None:
    assert found('area == "CA1" and depth > 20') == [1]
    assert found("depth <= 40 or channel in [9, 11]") == [0, 1, 3, 4]
    assert found('not area in ("CA1", "root")') == [2, 3]
    assert found("40 <= depth < 120") == [1, 2]
    assert found("depth >= -5") == [0, 1, 2, 3, 4]
    assert found('"DG" == area') == [2]


def test_what_is_missing_is_not_chosen() -> None:
    columns = {"depth": np.array([1.0, np.nan, 3.0])}
    assert find_channels("depth > 0", columns, 3).tolist() == [True, False, True]
    assert find_channels("depth != 1", columns, 3).tolist() == [False, False, True]


COMPARISON = st.one_of(
    st.tuples(
        st.sampled_from(["depth", "channel", "x"]),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.integers(-10, 200).map(str),
    ),
    st.tuples(
        st.just("area"),
        st.sampled_from(["==", "!=", "in", "not in"]),
        st.sampled_from(['"CA1"', '"none"']),
    ),
).map(lambda one: f"{one[0]} {one[1]} " + (f"[{one[2]}]" if "in" in one[1] else one[2]))
EXPRESSIONS = st.recursive(
    COMPARISON,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda one: f"({one[0]}) {one[1]} ({one[2]})"
        ),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=5,
)


@given(EXPRESSIONS)
def test_as_pandas_has_it(text: str) -> None:
    assert found(check_expression(text)) == TABLE.query(text, engine="python").index.tolist()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected an expression"),
        ("area ==", "expected an expression"),
        ("area", "expected a comparison"),
        ("depth + 1 > 2", "expected a column"),
        ("__import__('os')", "expected a comparison"),
        ("area.upper() == 'CA1'", "expected a column"),
        ("depth is 3", "expected =="),
        ("area in 'CA1'", "expected a list"),
        ("shank == 1", "no column 'shank' .there are area, channel, depth, x"),
        ("area > 3", "area and 3 cannot be compared"),
        ("depth == True", "expected a column"),
        ("(" * 200 + "depth" + ")" * 200 + " > 1", "characters"),
    ],
)
def test_all_else_is_refused_in_a_line(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        found(text)
    assert "\n" not in str(refused.value)
