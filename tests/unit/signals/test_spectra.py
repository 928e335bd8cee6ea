"""Spectra against scipy.signal.welch in float64, and what follows from their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from lfpscope.clock.segments import Clock, Segment
from lfpscope.signals.bands import (
    band_power,
    decode_power,
    encode_means,
    encode_power,
    fine_bands,
    named_bands,
    round_mantissa,
)
from lfpscope.signals.spectra import (
    Welch,
    find_windows,
    mean_spectrum,
    transform_windows,
    window_length,
)

NAMED = {"delta": (0.5, 4.0), "theta": (4.0, 10.0), "high gamma": (80.0, 200.0)}


def coloured_noise(rng, n, exponent):
    """Noise whose power falls as 1 / f ** exponent."""
    spectrum = rng.standard_normal(n // 2 + 1) + 1j * rng.standard_normal(n // 2 + 1)
    return np.fft.irfft(spectrum / np.arange(1, n // 2 + 2) ** (exponent / 2), n)


def reference(x, welch):
    _, psd = signal.welch(
        x.astype(np.float64), welch.rate, "hann", welch.length, welch.hop, detrend="constant"
    )
    return psd


def assert_within_contract(psd, expected):
    assert (np.abs(psd - expected) <= 1e-4 * expected + 1e-12 * expected.max()).all()


# --- the density --------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.sampled_from([100.0, 999.7, 1250.0, 2500.0]),
    n=st.integers(64, 60_000),
    exponent=st.sampled_from([0.0, 1.0, 2.0, 4.0]),
    tone=st.sampled_from([0.0, 1.0, 1e3]),
    offset=st.sampled_from([0.0, 1.0, -1e3]),
    dtype=st.sampled_from([np.float32, np.float64, np.int16, np.int32]),
)
def test_equals_welch_in_float64(seed, rate, n, exponent, tone, offset, dtype):
    rng = np.random.default_rng(seed)
    x = coloured_noise(rng, n + n % 2, exponent)[:n]
    x = x / x.std() + tone * np.sin(2 * np.pi * 0.123 * np.arange(n)) + offset
    x = (x / np.abs(x).max() * 30_000).astype(dtype)
    welch = Welch(rate, window_length(rate, n))
    psd, n_windows = mean_spectrum(x, welch, factor=2e-7)
    assert n_windows == (n - welch.length) // welch.hop + 1
    assert_within_contract(psd, reference(x, welch) * 2e-7**2)


def test_30_khz():
    x = coloured_noise(np.random.default_rng(1), 400_000, 1.0).astype(np.float32)
    welch = Welch(30_000.0, window_length(30_000.0, x.size))
    assert welch.length == 131_072
    psd, _ = mean_spectrum(x, welch)
    assert_within_contract(psd, reference(x, welch))


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.sampled_from([500.0, 1250.0, 2500.0]),
    exponent=st.sampled_from([0.0, 1.0, 2.0, 4.0]),
    order=st.sampled_from([0, 4, 8]),
)
def test_float32_is_enough_for_many_windows(seed, rate, exponent, order):
    n = 256 * window_length(rate, 10**9)
    x = coloured_noise(np.random.default_rng(seed), n, exponent)
    if order:  # as a decimation filter leaves it
        x = signal.sosfiltfilt(signal.butter(order, 0.6, output="sos"), x)
    x = (x / x.std() * 1e-4).astype(np.float32)
    windows = find_windows(Clock((Segment(0, n, 0.0, 1 / rate),)))
    assert windows is not None
    assert windows.dtype == np.float32
    psd, _ = mean_spectrum(x, windows.welch, dtype=windows.dtype)
    assert_within_contract(psd, reference(x, windows.welch))


def test_total_power_is_the_variance_of_the_windowed_data():
    rng = np.random.default_rng(2)
    welch = Welch(1250.0, 1024)
    x = coloured_noise(rng, 1024, 1.0)
    psd, _ = mean_spectrum(x, welch)
    tapered = (x - x.mean()) * signal.get_window("hann", 1024)
    variance = (tapered**2).sum() / (signal.get_window("hann", 1024) ** 2).sum()
    assert psd.sum() * welch.resolution == pytest.approx(variance, rel=1e-5)


def test_sine_has_its_power_in_its_band():
    welch = Welch(1250.0, 4096)
    x = 3e-5 * np.sqrt(2) * np.sin(2 * np.pi * 7.0 * np.arange(50_000) / 1250)
    psd, _ = mean_spectrum(x, welch)
    power = dict(zip(NAMED, band_power(psd, named_bands(welch, NAMED), welch), strict=True))
    assert power["theta"] == pytest.approx((3e-5) ** 2, rel=1e-3)
    assert power["high gamma"] < 1e-6 * power["theta"]


# --- samples to leave out -----------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(200, 3000),
    bad=st.lists(st.integers(0, 2999), max_size=6),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 1e6]),
)
def test_window_with_a_sample_to_leave_out_is_dropped(seed, n, bad, value):
    x = np.random.default_rng(seed).standard_normal(n)
    x[[i for i in bad if i < n]] = value
    welch = Welch(1000.0, 128)
    psd, n_windows = mean_spectrum(x, welch, limits=(-100.0, 100.0))
    starts = range(0, n - 127, 64)
    kept = [x[i : i + 128] for i in starts if (np.abs(x[i : i + 128]) < 100).all()]
    assert n_windows == len(kept)
    if kept:
        expected = np.mean([reference(one, welch) for one in kept], axis=0)
        assert_within_contract(psd, expected)
    else:
        assert np.isnan(psd).all()


# --- windows and time bins ----------------------------------------------------------------------


def test_windows_are_counted_from_each_segment():
    clock = Clock((Segment(0, 10_000, 5.0, 0.001), Segment(10_000, 9_000, 20.0, 0.001)))
    windows = find_windows(clock)
    assert windows is not None
    assert windows.welch.length == 4096
    assert windows.starts.tolist() == [0, 2048, 4096, 10_000, 12_048, 14_096]
    assert windows.bins.tolist() == [0, 0, 1, 2, 2, 3]
    expected = [[5.0, 11.144], [9.096, 13.192], [20.0, 26.144], [24.096, 28.192]]
    assert windows.edges == pytest.approx(np.array(expected))


def test_segments_without_a_time_or_with_another_rate_have_no_windows():
    nan = float("nan")
    clock = Clock(
        (
            Segment(0, 5_000, nan, 0.001, valid=False),
            Segment(5_000, 6_000, 0.0, 0.001),
            Segment(11_000, 5_000, 10.0, 0.002),
        )
    )
    windows = find_windows(clock)
    assert windows is not None
    assert windows.starts.tolist() == [5_000]


def test_no_usable_time_gives_no_windows():
    assert find_windows(Clock((Segment(0, 100, float("nan"), 0.001, valid=False),))) is None


@pytest.mark.parametrize(
    ("rate", "longest", "length"),
    [
        (1250.0, 10**7, 4096),
        (2500.0, 10**7, 8192),
        (100.0, 10**7, 256),
        (30_000.0, 10**7, 131_072),
        (1250.0, 4095, 2048),
        (1250.0, 70, 64),
        (1250.0, 3, 64),
    ],
)
def test_window_length(rate, longest, length):
    assert window_length(rate, longest) == length


def test_a_segment_shorter_than_a_window_has_none():
    windows = find_windows(Clock((Segment(0, 63, 0.0, 0.001),)))
    assert windows is not None
    assert windows.starts.size == windows.n_bins == 0


# --- bands --------------------------------------------------------------------------------------


@given(rate=st.floats(100.0, 30_000.0), length=st.sampled_from([64, 256, 4096, 8192]))
def test_fine_bands_hold_each_frequency_once(rate, length):
    welch = Welch(rate, length)
    bands = fine_bands(welch)
    assert bands.first[0] == 0
    assert bands.stop[-1] == length // 2 + 1
    assert (bands.first[1:] == bands.stop[:-1]).all()
    frequencies = welch.frequencies
    for low, high, first, stop in zip(bands.low, bands.high, bands.first, bands.stop, strict=True):
        assert low <= frequencies[first] * (1 + 1e-9)
        assert frequencies[stop - 1] < high


def test_fine_bands_of_a_released_probe():
    bands = fine_bands(Welch(1250.0, 4096))
    assert len(bands.names) == 58
    assert bands.high[bands.low < 4].tolist()[-1] == 4.0
    assert (bands.stop - bands.first)[:14].tolist() == [1] * 14
    assert bands.low[20] == pytest.approx(8.0)


def test_bands_beyond_half_the_rate_are_left_out():
    assert named_bands(Welch(300.0, 1024), NAMED).names == ("delta", "theta")


def test_a_frequency_on_an_edge_belongs_above_it():
    welch = Welch(1024.0, 1024)  # whole Hz
    bands = named_bands(welch, {"low": (2.0, 4.0), "high": (4.0, 8.0)})
    assert (bands.first.tolist(), bands.stop.tolist()) == ([2, 4], [4, 8])


# --- codes --------------------------------------------------------------------------------------


@given(st.lists(st.floats(-169.0, -44.0), min_size=1), st.floats(-170.0, -170.0))
def test_decoded_powers_are_within_6_percent(decibels, floor):
    power = 10 ** (np.array(decibels) / 10)
    decoded = 10 ** (decode_power(encode_power(power, floor), floor).astype(np.float64) / 10)
    assert (np.abs(decoded / power - 1) < 0.06).all()


@given(st.lists(st.floats(0, 1e-3), min_size=1), st.integers(0, 2**32 - 1))
def test_means_are_coded_as_powers_are(powers, seed):
    counts = np.random.default_rng(seed).integers(0, 3, (1, len(powers)))
    sums = (np.array(powers) * (counts > 0))[..., np.newaxis]
    codes = np.empty((1, 1, len(powers)), np.uint8)
    encode_means(sums, counts, -150.0, codes)
    means = np.where(counts > 0, sums[..., 0] / np.maximum(counts, 1), np.nan)
    assert codes[0].tolist() == encode_power(means, -150.0).tolist()


def test_codes_without_a_window_and_at_the_ends():
    codes = encode_power(np.array([np.nan, 0.0, 1e-17, 1e-16, 1.0]), -160.0)
    assert codes.tolist() == [0, 1, 1, 1, 255]
    assert np.isnan(decode_power(codes, -160.0)).tolist() == [True, False, False, False, False]


def test_bands_of_windows_are_the_sums_of_their_spectra():
    welch = Welch(1250.0, 1024)
    x = np.random.default_rng(5).standard_normal(4096).astype(np.float32)
    fine = fine_bands(welch)
    bounds = np.stack([fine.first, fine.stop], axis=1)
    total = np.zeros(513)
    powers, is_valid = transform_windows(
        x, welch.starts(x.size), welch, factor=1.0, limits=(-9.0, 9.0), bounds=bounds, total=total
    )
    assert is_valid.all()
    assert powers.shape == (7, len(fine.names))
    assert powers.sum(axis=0) == pytest.approx(band_power(total, fine, welch), rel=1e-12)
    first = reference(x[:1024], welch)
    assert powers[0] == pytest.approx(band_power(first, fine, welch), rel=1e-4)


@given(
    values=st.lists(
        st.floats(0, 2.0**100, width=32, allow_subnormal=False) | st.just(np.nan), max_size=9
    ),
    bits=st.integers(1, 23),
)
def test_rounded_numbers_are_near_and_take_few_bits(values, bits):
    x = np.array(values, np.float32)
    found = round_mantissa(x, bits)
    known = np.isfinite(x)
    assert (np.isnan(found) == np.isnan(x)).all()
    assert (np.abs(found[known] - x[known]) <= 2.0 ** -(bits + 1) * np.abs(x[known])).all()
    assert not (found[known].view(np.uint32) & ((1 << (23 - bits)) - 1)).any()
