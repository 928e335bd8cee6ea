"""The envelope of transformed samples is that of a file which holds them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import recorded

from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.refused import read_refusals, write_refusal
from lfpscope.envelope.transformed import SummarisedView, TransformedProbe, transformed
from lfpscope.envelope.zarr_zip import Store
from lfpscope.errors import UserError
from lfpscope.result_files import BAD_CHANNELS, ENVELOPE, VIEWS
from lfpscope.signals import bandpass
from lfpscope.signals.transform import parse_transform
from lfpscope.summary.view import summarize_view
from lfpscope.viewer.picture import draw_probe
from lfpscope.viewer.view_state import MODES, State

Data = npt.NDArray[Any]
N, SPLIT, CHANNELS = 50_000, 23_456, 5
TEXT = "median 4-10 Hz"
NOBODY = np.zeros(CHANNELS, np.bool_)
LARGE = 3.0  # V: one count of the files here is a volt


def recording(folder: Path) -> OpenProbe:
    folder.mkdir(parents=True)
    data = recorded.walk(N, CHANNELS, step=1.0).astype(np.float32)
    data[30_000:30_010, 3] = np.nan
    times = np.arange(N) / recorded.RATE
    times[SPLIT:] += 2.0  # two segments
    return recorded.probe(recorded.index(folder, data, chunks=(4321, 2), times=times))


def filtered(probe: OpenProbe) -> Data:
    """All samples by numpy and the whole segments' filter, in whole counts."""
    with h5py.File(probe.references.address) as file:
        x = file[f"{recorded.SERIES}/data"][()].T.astype(np.float64)
    x -= np.nanmedian(x, axis=0)
    parts = [bandpass(part, recorded.RATE, 4.0, 10.0) for part in np.split(x, [SPLIT], axis=1)]
    half = parse_transform(TEXT).margin(recorded.RATE)
    found = np.rint(np.concatenate(parts, axis=1))
    found[3, 30_000 - half : 30_010 + half] = np.nan  # uncertain beside what is missing
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[OpenProbe, SummarisedView, OpenProbe]:
    """A recording, its view, and a recording of what numpy makes of it."""
    folder = tmp_path_factory.mktemp("view")
    probe = recording(folder / "session/probes/probe")
    path = probe.references.file.with_name("views") / "theta.zarr.zip"
    path.parent.mkdir()
    summarize_view(
        probe.references.file,
        probe.references.file.with_name(ENVELOPE),
        transform=TEXT,
        view=path,
        threads=2,
    )
    other = folder / "other"
    other.mkdir()
    times = np.array(
        [
            segment.t0 + np.arange(segment.n_samples) * segment.dt
            for segment in probe.references.clock.segments
        ],
        dtype=object,
    )
    data = filtered(probe).T.astype(np.float32)
    again = recorded.index(other, data, chunks=(N, 1), times=np.concatenate(list(times)))
    view = transformed(probe, parse_transform(TEXT), NOBODY)
    assert isinstance(view, SummarisedView)
    return probe, view, recorded.probe(again)


def test_levels_are_those_of_the_filtered_recording(
    pair: tuple[OpenProbe, SummarisedView, OpenProbe],
) -> None:
    probe, _, expected = pair
    found = Store(probe.references.file.with_name("views") / "theta.zarr.zip")
    other = Store(expected.references.file.with_name(ENVELOPE))
    assert expected.sizes == probe.sizes
    for size in expected.sizes:
        for name in ("first", "min", "max", "last", "nan", "rms", "left_out", "n_samples"):
            np.testing.assert_array_equal(
                found.read(f"{size}/{name}"), other.read(f"{size}/{name}"), f"{size}/{name}"
            )
    # of buckets by hand
    x, size = filtered(probe), probe.sizes[0]
    n_buckets = SPLIT // size
    cells = x[:, : n_buckets * size].reshape(CHANNELS, n_buckets, size)
    np.testing.assert_array_equal(found.read(f"{size}/min")[:, :n_buckets], cells.min(axis=2))
    np.testing.assert_array_equal(found.read(f"{size}/max")[:, :n_buckets], cells.max(axis=2))
    found.close()
    other.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stretch", [(0.0, 42.0), (10.0, 25.0), (17.0, 21.0), (3.0, 3.5)])
def test_a_view_is_drawn_as_the_filtered_recording(
    pair: tuple[OpenProbe, SummarisedView, OpenProbe], mode: str, stretch: tuple[float, float]
) -> None:
    probe, _, expected = pair
    state = State(*stretch, LARGE * 1e6, probes=("probe",)).drawn_as(mode)
    found = draw_probe(probe, State(**{**vars(state), "transform": "median 4-10Hz"}), 300, 120)
    wanted = draw_probe(expected, state, 300, 120)
    assert found.transform == "median 4-10Hz"
    assert (found.t0, found.t1, found.drawn_from) == (wanted.t0, wanted.t1, wanted.drawn_from)
    assert found.mode == mode
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    assert np.unique(found.pixels).size > 1


def test_other_references_have_another_view(
    pair: tuple[OpenProbe, SummarisedView, OpenProbe],
) -> None:
    probe, _, _ = pair
    marked = np.array([True, False, False, False, False])
    found = transformed(probe, parse_transform(TEXT), marked)
    assert type(found) is TransformedProbe  # the stored one has this channel in its median
    assert type(transformed(probe, parse_transform("4-10Hz"), marked)) is TransformedProbe


def test_what_cannot_be_done_is_said_and_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = recording(tmp_path / "session/probes/probe")
    files, folder = (probe.references.file, probe.references.file.with_name(ENVELOPE)), tmp_path
    with pytest.raises(UserError, match="expected some of") as refused:
        summarize_view(*files, transform="theta", view=folder / "x.zarr.zip")
    assert "\n" not in str(refused.value)
    assert not (folder / "x.zarr.zip").exists()
    for text, problem in (("4-700Hz", "edge of 700"), ("csd", "the file has no depth")):
        view = folder / VIEWS / f"{text[0]}.zarr.zip"
        view.parent.mkdir(exist_ok=True)
        summarize_view(*files, transform=text, view=view)
        assert f"not made: {text}: {problem}" in capsys.readouterr().out
    (folder / VIEWS / "d.zarr.zip").write_bytes(b"damaged")
    found = read_refusals(folder)
    assert "d.zarr.zip: not an envelope" in found.pop("d")
    assert found == {
        "4": "4-700Hz: edge of 700.0 Hz (expected between 0 and 625)",
        "c": "csd: the file has no depth",
    }


def test_a_view_that_cannot_be_is_not_taken_for_one(tmp_path: Path) -> None:
    probe = recording(tmp_path / "session/probes/probe")
    view = probe.references.file.with_name(VIEWS) / "fast.zarr.zip"
    view.parent.mkdir()
    write_refusal(view, "4-700Hz: edge of 700")
    state = State(0.0, 42.0, 1e6, probes=("probe",), transform="4-700Hz")
    assert draw_probe(probe, state, 300, 120).badge().startswith("AS RECORDED, not 4-700Hz: edge")
    assert type(transformed(probe, parse_transform("4-10Hz"), NOBODY)) is TransformedProbe


def test_a_label_by_hand_makes_another_view_and_is_counted(tmp_path: Path) -> None:
    probe = recording(tmp_path / "session/probes/probe")
    view = probe.references.file.with_name(VIEWS) / "theta.zarr.zip"
    view.parent.mkdir()
    files = probe.references.file, probe.references.file.with_name(ENVELOPE)
    summarize_view(*files, transform=TEXT, view=view)
    state = State(0.0, 42.0, 1e6, probes=("probe",), transform="median 4-10Hz")
    assert draw_probe(probe, state, 300, 120).badge().startswith("median 4-10Hz · envelope")
    labels = tmp_path / "session" / BAD_CHANNELS
    labels.write_text("probe\tchannel\tlabel\tnote\nprobe\t2\toutside\t\n")
    summarize_view(*files, transform=TEXT, view=view)
    found = draw_probe(probe, state, 300, 120)
    assert found.badge().startswith("median 4-10Hz · 1 channel left out · envelope")
    labels.write_text("probe\tchannel\tlabel\tnote\nprobe\t3\toutside\t\n")
    assert type(transformed(probe, parse_transform(TEXT), NOBODY)) is TransformedProbe
