"""Band-pass filters without a shift in time: finite impulse responses with a Hamming window.

The design is that of MNE-Python's documentation ("Background information on filtering"): an edge
f has a transition of min(max(0.25 f, 2), f) Hz below, or min(max(0.25 f, 2), rate/2 − f) Hz above;
its response is 3.3 · rate / transition samples long, and its middle lies half a transition away
from f. A band-pass is the difference of two low-passes.
"""

import numpy as np

from lfpscope.signals.arrays import Signal, unpack
from lfpscope.signals.runs import find_runs
from lfpscope.typing import Floats

LENGTH_FACTOR = 3.3  # of a Hamming window: transition width times duration
MIN_TRANSITION_HZ = 2.0
TRANSITION_SHARE = 0.25  # of the edge's frequency
GRAIN = 128  # samples, as of a bucket: so that blocks and buckets begin together
MIN_FFT = 1 << 13  # samples of a block; the longest response takes a quarter at most
BATCH = 2  # blocks that are filtered at a time: quicker than one, and small enough for malloc


def bandpass(signal: Signal, rate: float, low: float | None, high: float | None) -> Signal:
    """Filter without a shift in time.

    Blocks are counted from the start of each stretch of numbers, so that equal samples give equal
    results. At its ends a stretch is continued by its reflection through the end point; half a
    response there is uncertain, see `half_length`.

    Parameters
    ----------
    signal : ndarray or DataArray, shape (n_channels, n_times)
        Any unit. NaN ends a stretch.
    rate : float
        Samples per second.
    low, high : float or None
        Edges in Hz; None for no edge at that side.

    Returns
    -------
    ndarray or DataArray, shape (n_channels, n_times)
        NaN where the signal is.
    """
    values, pack = unpack(signal)
    taps = design(rate, low, high)
    result = np.full(values.shape, np.nan)
    for channel, row in enumerate(values):
        for start, stop in find_runs(np.isfinite(row)).tolist():
            result[channel, start:stop] = apply(row[start:stop], taps)
    band = f"{'' if low is None else f'{low:g}'}–{'' if high is None else f'{high:g}'} Hz"
    return pack(result, band=band, uncertain_s=f"{half_length(rate, low, high) / rate:g}")


def design(rate: float, low: float | None, high: float | None) -> Floats:
    """Impulse response of a filter, of odd length.

    Raises
    ------
    ValueError
        If an edge lies outside 0 to rate/2, or the edges are in the wrong order.
    """
    for edge in (low, high):
        if edge is not None and not 0 < edge < rate / 2:
            raise ValueError(f"edge of {edge} Hz (expected between 0 and {rate / 2:g})")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"edges {low} and {high} Hz (expected the lower one first)")
    parts = []
    if low is not None:
        width = min(max(TRANSITION_SHARE * low, MIN_TRANSITION_HZ), low)
        parts.append((-1.0, low - width / 2, width))
    if high is not None:
        width = min(max(TRANSITION_SHARE * high, MIN_TRANSITION_HZ), rate / 2 - high)
        parts.append((1.0, high + width / 2, width))
    length = max((response_length(rate, width) for _, _, width in parts), default=1)
    taps = np.zeros(length)
    if high is None:
        taps[length // 2] = 1.0
    for sign, cutoff, width in parts:
        response = low_pass(response_length(rate, width), cutoff / rate)
        offset = (length - response.size) // 2
        taps[offset : length - offset] += sign * response
    return taps


def half_length(rate: float, low: float | None, high: float | None) -> int:
    """Samples at each end of a stretch that depend on how it is continued."""
    return design(rate, low, high).size // 2


def response_length(rate: float, transition: float) -> int:
    """Samples of a response with a transition of some Hz, an odd number."""
    length = round(LENGTH_FACTOR * rate / transition)
    return length + 1 - length % 2


def low_pass(length: int, cutoff: float) -> Floats:
    """Windowed sinc of unit sum; the cutoff is in cycles per sample."""
    t = np.arange(length) - length // 2
    response = 2 * cutoff * np.sinc(2 * cutoff * t) * np.hamming(length)
    return np.asarray(response / response.sum())


def apply(x: Floats, taps: Floats) -> Floats:
    """Convolve a stretch with a symmetric response, sample by sample in place.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Numbers only.
    taps : ndarray, shape (n_taps,)
        Of odd length.
    """
    if taps.size == 1:
        return np.asarray(x * taps[0])
    return np.asarray(filter_blocks(x[np.newaxis], taps, 0, x.size)[0])


def block_length(n_taps: int) -> tuple[int, int]:
    """Samples of a transform by FFT, and of the result that it gives: a multiple of GRAIN."""
    n_fft = max(MIN_FFT, 1 << (4 * n_taps - 1).bit_length())
    return n_fft, (n_fft - n_taps + 1) // GRAIN * GRAIN


def filter_blocks(
    x: Floats,
    taps: Floats,
    first: int,
    stop: int,
    *,
    ends: tuple[bool, bool] = (True, True),
    offset: int = 0,
) -> Floats:
    """Convolve channels with a symmetric response, in blocks counted from a segment's start.

    Parameters
    ----------
    x : ndarray, shape (n_channels, n)
        Numbers only: samples of a segment from `offset` on.
    taps : ndarray, shape (n_taps,)
        Of odd length.
    first, stop : int
        Which samples of x are wanted. Half a response beside them must be in x, or `ends` say
        that the segment ends there. Equal bits whatever the range: see `block_range`.
    ends : (bool, bool)
        Whether x begins and ends with the segment, which is continued there by its reflection.
    offset : int
        Samples of the segment before x.

    Returns
    -------
    ndarray of float64, shape (n_channels, stop - first)
    """
    import scipy.fft  # 0.1 s, for those who filter

    half = taps.size // 2
    n_fft, step = block_length(taps.size)
    before = (offset + first) // step
    n_blocks = -(-(offset + stop) // step) - before
    at = before * step - half - offset  # of the first block's input in x
    response = scipy.fft.rfft(taps, n_fft)
    result = np.empty((x.shape[0], n_blocks * step))
    padded, block = np.empty(n_blocks * step + 2 * half), np.zeros((BATCH, n_fft))
    windows = np.lib.stride_tricks.sliding_window_view(padded, step + 2 * half)[::step]
    for channel, row in enumerate(result.reshape(-1, n_blocks, step)):
        _fill(padded, x[channel], half, at, ends)
        for i in range(0, n_blocks, BATCH):
            n = min(BATCH, n_blocks - i)
            block[:n, : step + 2 * half] = windows[i : i + n]
            spectra = scipy.fft.rfft(block[:n], axis=1)
            spectra *= response
            found = scipy.fft.irfft(spectra, n_fft, axis=1, overwrite_x=True)
            row[i : i + n] = found[:, 2 * half : 2 * half + step]
    begin = offset + first - before * step
    return np.asarray(result[:, begin : begin + stop - first])


def block_range(taps: Floats, first: int, stop: int, n: int) -> tuple[int, int]:
    """Samples of a segment of n that `filter_blocks` needs for first to stop, with equal bits."""
    if taps.size == 1:
        return first, stop
    half, (_, step) = taps.size // 2, block_length(taps.size)
    return max(first // step * step - half, 0), min(-(-stop // step) * step + half, n)


def _fill(padded: Floats, x: Floats, half: int, at: int, ends: tuple[bool, bool]) -> None:
    """Fill with samples of x from `at` on; where its segment ends, half a response more."""
    padded[:] = 0.0
    parts = [(x, 0)]
    if ends[0] and at < 0:
        parts.append((continued(x[: half + 1], half)[:half], -half))
    if ends[1] and at + padded.size > x.size:
        parts.append((continued(x[-half - 1 :], half)[-half:], x.size))
    for part, begin in parts:
        first, stop = max(begin, at), min(begin + part.size, at + padded.size)
        if first < stop:
            padded[first - at : stop - at] = part[first - begin : stop - begin]


def continued(x: Floats, n: int) -> Floats:
    """Continue both ends by n samples: reflected through the end point, then constant."""
    reach = min(n, x.size - 1)
    before = 2 * x[0] - x[reach:0:-1]
    after = 2 * x[-1] - x[-2 : -2 - reach : -1]
    padded = np.concatenate([before, x, after])
    return np.pad(padded, n - reach, mode="edge")
