"""Averages of a file's LFP against a loop over what h5py reads."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import RATE, SERIES, index

from lfpscope.errors import UserError
from lfpscope.evoked import averages
from lfpscope.evoked.averages import average_intervals
from lfpscope.evoked.kinds import Kind
from lfpscope.references.model import ProbeReferences

Floats = npt.NDArray[np.float64]


def read(references: ProbeReferences) -> Floats:
    """All samples (channel, time) as h5py reads them, volts."""
    with h5py.File(references.address) as nwb:
        stored: Floats = nwb[SERIES]["data"][()].T.astype(np.float64)
    return stored * references.scale[:, np.newaxis] + references.add


def trials_of(samples: Floats, firsts: list[int], width: int, lost: list[range]) -> list[Floats]:
    """Trials of a channel that are complete."""
    windows = [range(first, first + width) for first in firsts]
    kept = [w for w in windows if not any(set(w) & set(gone) for gone in lost)]
    found = [samples[w.start : w.stop] for w in kept]
    return [one for one in found if np.isfinite(one).all()]


@given(data=st.data())
def test_equal_to_a_loop_over_trials(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    n, n_channels = data.draw(st.integers(300, 3000)), data.draw(st.integers(1, 5))
    dtype = data.draw(st.sampled_from(["<i2", "<f4", ">f4", "<f8"]))
    values = (1000 * rng.normal(size=(n, n_channels))).astype(dtype)
    if np.dtype(dtype).kind == "f":
        for row in data.draw(st.lists(st.integers(0, n - 1), max_size=3)):
            values[row, 0] = np.nan
    height = data.draw(st.sampled_from([7, 64, 500, 5000]))
    width = data.draw(st.integers(1, n_channels))
    chunks = (min(height, n), width)
    damaged: tuple[tuple[int, int], ...] = ()
    if data.draw(st.booleans()) and height > 7:  # HDF5 may not tell tiny ones
        damaged = ((data.draw(st.integers(0, -(-n // chunks[0]) - 1)), 0),)
    folder = tmp_path_factory.mktemp("probe")
    intact = index(folder, values, chunks=chunks)
    samples = read(intact)
    references = index(folder, values, chunks=chunks, damaged=damaged) if damaged else intact
    onsets = [
        sorted((10 + rng.uniform(-0.1, n / RATE + 0.1, size=size)).tolist())
        for size in data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=3))
    ]
    kinds = [Kind(f"kind {i}", tuple(some)) for i, some in enumerate(onsets)]
    limits = np.tile([[-np.finfo(np.float64).max], [np.finfo(np.float64).max]], n_channels)
    with pytest.MonkeyPatch.context() as patch:  # several slabs, which a trial may cross
        patch.setattr(averages, "SLAB_VALUES", data.draw(st.sampled_from([500, 1 << 22])))
        found = average_intervals(references, kinds, seconds=(-0.02, 0.05), limits=limits)
    gone = [range(r * chunks[0], (r + 1) * chunks[0]) for r, _ in damaged]
    for one, some in zip(found, onsets, strict=True):
        nearest = [int(np.ceil((onset - 10) * RATE - 0.5)) for onset in some]
        firsts = [sample - 25 for sample in nearest if 25 <= sample < n - 62]
        for channel in range(n_channels):
            lost = gone if channel < width else []
            trials = trials_of(samples[channel], firsts, 25 + 63, lost)
            assert one.average.n[channel] == len(trials)
            dropped = sum(int(n[channel]) for n in one.average.dropped.values())
            assert dropped == len(some) - len(trials)
            if trials:
                sd = np.nanstd(samples[channel])
                mean = np.mean(trials, axis=0)
                np.testing.assert_allclose(one.average.mean[channel], mean, atol=1e-6 * sd)
                np.testing.assert_allclose(
                    one.average.baseline[channel], mean[:25].mean(), atol=1e-6 * sd
                )
            if len(trials) > 1:
                sem = np.std(trials, axis=0, ddof=1) / np.sqrt(len(trials))
                np.testing.assert_allclose(one.average.sem[channel], sem, rtol=1e-6)


def test_each_chunk_is_read_at_most_once_and_only_those_that_trials_touch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = index(tmp_path, np.zeros((5000, 4), np.int16), chunks=(100, 2))
    read_places: list[tuple[int, int]] = []
    decoded = averages.Source.decoded

    def count(self: Any, raw: Any, row: int, column: int) -> Any:
        read_places.append((row, column))
        return decoded(self, raw, row, column)

    monkeypatch.setattr(averages.Source, "decoded", count)
    # windows of 250 samples from 875 on and from 3375 on
    kinds = [Kind("a", (10.8, 12.8)), Kind("b", (10.8,)), Kind("c", (10.81,))]
    average_intervals(references, kinds, seconds=(-0.1, 0.1))
    assert sorted(read_places) == [
        (row, column) for row in (8, 9, 10, 11, 33, 34, 35, 36) for column in (0, 1)
    ]


def test_equal_whatever_the_number_of_threads(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(20_000, 6)).astype(np.float32)
    references = index(tmp_path, values, chunks=(256, 1))
    kinds = [Kind("a", tuple(np.arange(10.5, 25, 0.1).tolist()))]
    one, other = (average_intervals(references, kinds, threads=n)[0] for n in (1, 4))
    np.testing.assert_array_equal(one.average.mean, other.average.mean)
    np.testing.assert_array_equal(one.average.sem, other.average.sem)
    np.testing.assert_array_equal(one.response.p, other.response.p)


def test_what_is_not_plausible_counts_as_nan(tmp_path: Path) -> None:
    values = np.ones((2000, 2), np.float32)
    values[1000, 0], values[1000, 1] = np.inf, 1e9
    references = index(tmp_path, values, chunks=(500, 1))
    limits = np.array([[-10.0, -10.0], [10.0, 10.0]])
    (found,) = average_intervals(
        references, [Kind("a", (10.5, 10.8))], seconds=(0, 0.1), limits=limits
    )
    assert found.average.n.tolist() == [1, 1]
    assert found.average.dropped["nan"].tolist() == [1, 1]


def test_too_many_averages_for_memory(tmp_path: Path) -> None:
    references = index(tmp_path, np.zeros((2000, 50), np.int16), chunks=(500, 50))
    kinds = [Kind(str(i), (10.5,)) for i in range(1200)]
    with pytest.raises(UserError, match=r"1200 averages .* Ask for fewer conditions"):
        average_intervals(references, kinds)


def test_no_kinds_read_nothing(tmp_path: Path) -> None:
    references = index(tmp_path, np.zeros((200, 2), np.int16), chunks=(100, 2))
    assert average_intervals(references, []) == []
