"""Colours of traces, amplitude maps and signed maps."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lfpscope.render.colour_maps import MAGMA

PAPER, GAP, GREY = (255, 255, 255), (236, 232, 224), (185, 185, 185)


# from one trace to where all overlap
SHADES = np.linspace((112, 132, 172), (13, 20, 38), 16).round().astype(np.uint8)


TRACE_PALETTE = np.array([PAPER, GAP, GREY, *SHADES], np.uint8)


def _tints(colour: Sequence[float]) -> npt.NDArray[np.uint8]:
    """From a trace of colour on paper, all but covered by it, to that colour."""
    shares = np.arange(1, TINTS + 1)[:, np.newaxis] / TINTS
    return np.asarray(PAPER + shares * np.subtract(colour, PAPER)).round().astype(np.uint8)


# edges of smooth lines
TINTS = 24
SMOOTH_PALETTE = np.array([*TRACE_PALETTE, *_tints(SHADES[7]), *_tints(GREY)], np.uint8)


# perceptually even; its darkest and lightest ends are left to paper and gaps
HEAT_COLOURS = MAGMA[(np.linspace(0, 0.98, 254) * 256).astype(np.int64)]


HEAT_PALETTE = np.array([*HEAT_COLOURS, GREY, GAP], np.uint8)


HEAT_GREY, HEAT_GAP = 254, 255


def _between(stops: Sequence[str], n: int) -> npt.NDArray[np.uint8]:
    """Colours at equal distances on the lines from each stop to the next."""
    ends = np.array([tuple(bytes.fromhex(one[1:])) for one in stops])
    at = np.linspace(0, len(stops) - 1, n)
    levels = [np.interp(at, np.arange(len(stops)), end) for end in ends.T]
    return np.array(levels).T.round().astype(np.uint8)


# blue below zero, white at zero (the one in the middle), red above; the middle of matplotlib's
# RdBu is no white, beside which zeros would be specks
SIGNED_STOPS = (
    *("#08306b", "#2171b5", "#6baed6", "#c6dbef", "#ffffff"),
    *("#fcbba1", "#fb6a4a", "#cb181d", "#67000d"),
)
SIGNED_COLOURS = _between(SIGNED_STOPS, 253)


SIGNED_PALETTE = np.array([*SIGNED_COLOURS, GREY, GAP], np.uint8)


SIGNED_GREY, SIGNED_GAP = 253, 254


# of channels over one line, from the lowest to the highest depth: matplotlib's plasma without its
# lightest end
DEPTH_STOPS = ("#0d0887", "#5302a3", "#8b0aa5", "#b83289", "#db5c68", "#f48849", "#febd2a")
DEPTH_COLOURS = _between(DEPTH_STOPS, 48)


BUTTERFLY_PALETTE = np.array([PAPER, GAP, GREY, *DEPTH_COLOURS, (0, 0, 0)], np.uint8)


# of channels
LABEL_COLOURS = {
    "good": "#4d4d4d",
    "dead": "#1f78b4",
    "noisy": "#d7191c",
    "outside": "#e6a11c",
    "unknown": "#b0b0b0",
}
