"""Channels by their columns."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from lfpscope.samples.channels import select_channels

DATA = xr.DataArray(
    np.arange(8).reshape(2, 4),
    dims=("time", "channel"),
    coords={
        "channel": [7, 3, 9, 1],
        "depth": ("channel", [0.0, 40.0, 20.0, np.nan]),
        "area": ("channel", ["CA1", "CA1", "DG", ""]),
    },
)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, [7, 3, 9, 1]),
        ({"area": "CA1"}, [7, 3]),
        ({"area": ["DG", ""]}, [9, 1]),
        ({"depth": slice(20, 40)}, [3, 9]),
        ({"depth": slice(None, 20)}, [7, 9]),
        ({"depth": slice(None)}, [7, 3, 9, 1]),
        ({"channel": {1, 9}}, [9, 1]),
        ({"area": "CA1", "depth": slice(10, None)}, [3]),
        ({"area": "VISp"}, []),
    ],
)
def test_channels_that_fulfil_all_conditions(columns: dict[str, Any], expected: list[int]) -> None:
    assert select_channels(DATA, **columns).channel.values.tolist() == expected
    assert select_channels(DATA.to_dataset(name="lfp"), **columns).channel.values.tolist() == (
        expected
    )


def test_columns_that_are_not_there_are_named() -> None:
    with pytest.raises(KeyError, match=r"no 'shank' \(expected one of channel, depth, area\)"):
        select_channels(DATA, shank=1)
