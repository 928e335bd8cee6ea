"""A probe that is indexed and not summarised: drawn from samples, and opened again when it is."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpscope.envelope import unsummarised
from lfpscope.errors import UserError
from lfpscope.io.progress import PROGRESS, Progress, noted_in, read_progress
from lfpscope.references.index import index_recording
from lfpscope.references.open import open_references
from lfpscope.summary.summarize import build_envelope
from lfpscope.viewer.picture import Picture, draw, sketch
from lfpscope.viewer.session_folder import SessionFolder, first_states, only_open
from lfpscope.viewer.view_state import HEAT, SIGNED, TRACES

SAMPLES = 3000  # 2.4 s from 10 s on


@pytest.fixture
def session(write_nwb: Callable[..., Path], tmp_path: Path) -> Path:
    """Return a session's folder with the references of one probe."""
    nwb = write_nwb(tmp_path / "a.nwb", samples=SAMPLES)
    probe = tmp_path / "one" / "probes" / "a"
    probe.mkdir(parents=True)
    index_recording(str(nwb), probe / "lfp.json", session="one", probe="a")
    return tmp_path / "one"


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("mode", [TRACES, SIGNED])
def test_samples_are_drawn_as_with_an_envelope(session: Path, mode: str) -> None:
    """The same pixels, the recording complete and a second of it."""
    folder = SessionFolder(session)
    (before,) = only_open(folder.open_probes())
    assert not before.is_summarised
    assert np.isnan(before.std).all()
    whole, opening = first_states(folder.known_probes())
    assert opening == whole  # it is short
    states = [
        replace(state, is_auto=False, microvolts=100.0).drawn_as(mode)
        for state in (whole, whole.at(10.5, 11.5))
    ]
    first = [draw(folder.slots[0], state, 4000, 300) for state in states]
    probe = session / "probes" / "a"
    build_envelope(open_references(probe / "lfp.json"), probe / "envelope.zarr.zip")
    assert folder.slots[0].is_outdated
    again = [draw(folder.slots[0], state, 4000, 300) for state in states]
    assert folder.slots[0].open().is_summarised
    for one, other in zip(first, again, strict=True):
        assert isinstance(one, Picture)
        assert isinstance(other, Picture)
        assert one.drawn_from == "every sample"
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_median_is_that_of_every_128th_sample(session: Path) -> None:
    (probe,) = only_open(SessionFolder(session).open_probes())
    with h5py.File(probe.references.address) as file:
        volts = file["acquisition/LFP/lfp/data"][::128].astype(np.float64)
    np.testing.assert_allclose(probe.median, np.median(volts, axis=0), rtol=1e-6)


def test_amplitude_waits_for_the_summary(session: Path) -> None:
    folder = SessionFolder(session)
    whole = first_states(folder.open_probes())[0].drawn_as(HEAT)
    picture = draw(folder.slots[0], whole, 400, 300)
    assert isinstance(picture, Picture)
    assert picture.mode == SIGNED
    assert sketch(folder.slots[0], whole, 400, 300) is None


def test_what_is_too_long_to_read_is_not_read(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page then opens with a part from the middle, and says what it waits for."""
    monkeypatch.setattr(unsummarised, "MAX_VALUES", 4 * 1250)
    folder = SessionFolder(session)
    whole, opening = first_states(folder.open_probes())
    assert opening.stop - opening.start == pytest.approx(1.0)
    assert whole.start < opening.start < opening.stop < whole.stop + 0.01
    refused = draw(folder.slots[0], whole, 400, 300)
    assert isinstance(refused, UserError)
    assert str(refused) == "not summarised yet: zoom in to 1 s or less, or wait"
    assert isinstance(draw(folder.slots[0], opening, 400, 300), Picture)
    (probe,) = only_open(folder.known_probes())
    assert probe.doubts[0].text == "not summarised yet: what is longer than 1 s cannot be shown"


def test_first_references_are_used_until_there_is_an_envelope(session: Path) -> None:
    """Those in the folder may be replaced meanwhile."""
    first = session.with_name("first")
    session.rename(first)
    folder = SessionFolder(session, None, first)
    (before,) = only_open(folder.open_probes())
    probe = session / "probes" / "a"
    probe.mkdir(parents=True)
    references = (first / "probes" / "a" / "lfp.json").read_bytes()
    (probe / "lfp.json").write_bytes(b"")
    assert only_open(folder.open_probes()) == [before]
    (probe / "lfp.json").write_bytes(references)
    build_envelope(open_references(probe / "lfp.json"), probe / "envelope.zarr.zip")
    folder.try_again()
    wait_for(lambda: only_open(folder.known_probes()) not in ([], [before]))
    (after,) = only_open(folder.known_probes())
    assert after.is_summarised


def test_progress_of_the_summary_is_told(session: Path) -> None:
    folder = SessionFolder(session)
    folder.open_probes()
    assert folder.describe_progress() == ""
    probe = session / "probes" / "a"
    with noted_in(probe), Progress("summarised", 4_000_000) as progress:
        assert folder.describe_progress() == "a: summarised 0 % of 4 MB"
        progress.update(1_000_000)
        assert folder.describe_progress() == "a: summarised 25 % of 4 MB"
    assert not (probe / PROGRESS).exists()
    assert read_progress(probe) is None


def test_the_time_of_the_first_part_does_not_count(tmp_path: Path) -> None:
    """It has loops compiled: at that rate the others would take minutes."""
    with noted_in(tmp_path), Progress("summarised", 4_000_000) as progress:
        time.sleep(0.2)
        begin = time.monotonic()
        progress.update(1_000_000)
        first = read_progress(tmp_path)
        assert first is not None
        assert (first.seconds, first.done, first.begun) == (0, 1_000_000, 1_000_000)

        def is_noted_again() -> bool:
            progress.update(1000)
            return read_progress(tmp_path) != first

        wait_for(is_noted_again)
        second = read_progress(tmp_path)
        assert second is not None
        assert 0 < second.seconds <= time.monotonic() - begin
        assert (second.begun, second.done > first.done) == (1_000_000, True)


def test_nothing_is_noted_where_no_folder_was_named(tmp_path: Path) -> None:
    with Progress("fetched", None) as progress:
        progress.update(5)
    assert list(tmp_path.iterdir()) == []
