"""One scale of depth for the panels of several probes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.render.rows import arrange_rows
from lfpscope.viewer.channel_order import parse_order, sort_rows
from lfpscope.viewer.depth_scale import DepthSpan, Window, common_windows, depth_span

TIP = DepthAxis("probe_vertical_position", "distance from the tip (µm)")
SURFACE = DepthAxis("depth", "depth below the surface (µm)", is_downward=True)


def channels(*depths: float, axis: DepthAxis = TIP) -> Channels:
    return Channels(np.arange(len(depths)), {"depth": np.array(depths)}, axis)


def span(one: Channels, order: str = "") -> DepthSpan | str:
    rows = sort_rows(arrange_rows(one), parse_order(order), one.columns, one, {})
    return depth_span(one, rows)


def test_rows_cover_their_depths_from_edge_to_edge() -> None:
    assert span(channels(20, 60, 100)) == DepthSpan(0, 120, TIP)
    assert span(channels(20, 20, 40, 40)) == DepthSpan(10, 50, TIP)
    assert isinstance(span(channels(0.1, 0.2, 0.3)), DepthSpan)  # rounded
    assert span(channels(100, 200, axis=SURFACE)) == DepthSpan(50, 250, SURFACE)


def test_rows_without_a_scale_say_why() -> None:
    assert span(channels(20, 60, np.nan)) == "channels without depth"
    assert span(channels(20, 60, 180)) == "depths unevenly spaced"
    assert span(channels(20, 20, 40, 60)) == "depths unevenly spaced"
    assert span(channels(20)) == "a single depth"
    assert span(Channels(np.arange(3))) == "no depths"
    assert span(channels(20, 40, 60), "-depth") == "rows upside down"
    named = channels(20, 40, 60, 80)
    named.columns["area"] = np.array(["a", "a", "b", "b"])
    assert span(named, "area") == "rows in groups or another order"


@given(
    spans=some.lists(
        some.tuples(some.floats(-500, 500), some.floats(10, 5000)), min_size=1, max_size=6
    ),
    heights=some.lists(some.integers(20, 900), min_size=6, max_size=6),
    axis=some.sampled_from([TIP, SURFACE]),
)
def test_a_micrometre_is_as_high_in_each_panel_and_the_origin_lies_alike(
    spans: list[tuple[float, float]], heights: list[int], axis: DepthAxis
) -> None:
    names = [f"{i}" for i in range(len(spans))]
    known = {n: DepthSpan(a, a + b, axis) for n, (a, b) in zip(names, spans, strict=True)}
    pixels = dict(zip(names, heights, strict=False))
    windows = common_windows(known, pixels)
    scales, edges = [], []
    for name, one in known.items():
        window, extent = windows[name], one.high - one.low
        assert window.bottom <= 1e-9
        assert window.top >= 1 - 1e-9
        scales.append(pixels[name] / (window.length * extent))
        at = (
            one.high - window.top * extent if axis.is_downward else one.low + window.bottom * extent
        )
        edges.append(at)
    assert scales == pytest.approx([scales[0]] * len(scales))
    assert edges == pytest.approx([min(one.low for one in known.values())] * len(edges), abs=1e-6)


def test_what_has_no_scale_or_another_axis_keeps_its_rows() -> None:
    spans = {"a": DepthSpan(0, 100, TIP), "b": DepthSpan(0, 50, SURFACE), "c": "no depths"}
    windows = common_windows(spans, {"a": 100, "b": 100, "c": 100})
    assert windows["a"] == Window(0, 1)
    assert windows["b"] == Window(note="not to scale: depths on another axis")
    assert windows["c"] == Window(note="not to scale: no depths")
    alike = {"a": spans["a"], "b": replace(spans["b"], axis=TIP)}
    assert common_windows(alike, {"a": 100, "b": 100})["b"] == Window(0, 2)
