"""A probe with a transform is drawn from transformed samples, whatever the view."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.transformed import TransformedProbe
from lfpscope.signals.transform import Site, apply_transform, parse_transform

Data = npt.NDArray[Any]
N = 20_000


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> OpenProbe:
    folder = tmp_path_factory.mktemp("transformed")
    data = recorded.walk(N, 4, step=0.195e-6).astype(np.float32)
    data[12_000:12_005, 1] = np.nan
    times = np.arange(N) / recorded.RATE
    times[15_000:] += 2.0  # two segments
    return recorded.probe(recorded.index(folder, data, chunks=(4321, 2), times=times))


def stored(probe: OpenProbe) -> Data:
    with h5py.File(probe.references.address) as file:
        return file[f"{recorded.SERIES}/data"][()].T.astype(np.float64)


def transformed(probe: OpenProbe, text: str) -> TransformedProbe:
    return TransformedProbe(probe, parse_transform(text), np.zeros(4, np.bool_))


def expected(probe: OpenProbe, text: str) -> Data:
    """All samples by numpy, segment by segment, in whole quantisation steps."""
    site = Site(probe.dead, np.arange(4.0), {})
    parts = [
        apply_transform(part, parse_transform(text), recorded.RATE, site)
        for part in np.split(stored(probe), [15_000], axis=1)
    ]
    quantum = np.float64(probe.step or np.nan)
    return np.rint(np.concatenate(parts, axis=1) / quantum)


TEXTS = ["median", "30-80Hz", "median 4-10Hz notch:50", "bipolar"]


@pytest.mark.parametrize("text", TEXTS)
def test_samples_are_those_of_the_file_transformed(probe: OpenProbe, text: str) -> None:
    found, all_of_it = transformed(probe, text), expected(probe, text)
    for first, stop in ((0, 3000), (11_000, 13_000), (14_000, 15_000), (15_000, N), (19_990, N)):
        np.testing.assert_array_equal(found.samples(first, stop), all_of_it[:, first:stop])


@settings(deadline=None)
@given(
    first=st.integers(0, 14_000),
    length=st.integers(1, 6000),
    step=st.sampled_from([1, 2, 7, 100, 1000]),
    text=st.sampled_from(TEXTS),
)
def test_columns_are_those_of_all_samples(
    probe: OpenProbe, first: int, length: int, step: int, text: str
) -> None:
    segment, all_of_it = probe.references.clock.segments[0], expected(probe, text)
    columns = transformed(probe, text).columns(segment, first, min(first + length, 15_000), step)
    for i in range(columns.n_columns):
        start = columns.first_sample + i * step
        for channel, x in enumerate(all_of_it[:, start : min(start + step, 15_000)]):
            known = x[np.isfinite(x)]
            values = columns.values[:, channel, i]
            if not known.size:
                assert np.isnan(values).all()
                assert columns.nan[channel, i] != 0
            else:
                assert values.tolist() == [known[0], known.min(), known.max(), known[-1]]


def test_labels_by_hand_are_no_reference(tmp_path: Path) -> None:
    folder = tmp_path / "session" / "probes" / "probe"
    folder.mkdir(parents=True)
    data = recorded.walk(5000, 5, step=1e-6)
    with recorded.probe(recorded.index(folder, data, chunks=(5000, 1))) as one:
        marked = np.array([True, False, False, False, True])
        changed = TransformedProbe(one, parse_transform("median"), marked)
        found = changed.volts(changed.samples(0, 5000))
    np.testing.assert_allclose(found, data.T - np.median(data.T[1:4], axis=0), atol=0.51e-6)
