"""Pictures of averages: what is drawn where, and at which scale."""

from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest

from lfpscope.evoked.files import Stored
from lfpscope.nwb.depth import DepthAxis
from lfpscope.nwb.electrodes import Channels
from lfpscope.nwb.stored_csd import StoredCsd
from lfpscope.render.evoked import choose_rows, draw_averages, pick_lines
from lfpscope.render.evoked_maps import (
    NOT_SMOOTHED,
    EvokedProbe,
    Smoothing,
    choose_scales,
    csd_of,
    is_bad,
    round_limit,
    signed_picture,
    stored_on_channels,
)
from lfpscope.render.evoked_session import choose_names, draw_session_averages
from lfpscope.render.palettes import SIGNED_COLOURS
from lfpscope.samples.contacts import contact_columns

N = 12
TIME = np.arange(-100, 300) * 1e-3
TIP = DepthAxis("probe_vertical_position", "distance from the tip (µm)")


def average(name: str = "flashes", *, n: int = 20, scale: float = 1e-4) -> Stored:
    """A sink at channel 5 after 60 ms, on an offset that is no response."""
    profile = -np.exp(-0.5 * ((np.arange(N) - 5) / 1.5) ** 2)
    wave = np.exp(-0.5 * ((TIME - 0.06) / 0.01) ** 2)
    mean = scale * profile[:, np.newaxis] * wave + 3e-4
    none = np.zeros(N, dtype=np.int64)
    baseline = np.full(N, 3e-4)
    counts = np.full(N, n)
    return Stored(name, ("", ""), 0.25, TIME, mean, mean / 50, counts, baseline, {"gap": none + 2})


def probe(
    *kinds: Stored, axis: DepthAxis | None = TIP, name: str = "a", **columns: npt.ArrayLike
) -> EvokedProbe:
    known = {"depth": 20 + 40.0 * np.arange(N)} if axis else {}
    known |= {key: np.asarray(values) for key, values in columns.items()}
    channels = Channels(np.arange(N), known, axis)
    return EvokedProbe("s", name, channels, np.zeros(N, dtype=bool), list(kinds))


def test_colours_are_symmetric_white_at_zero_and_grey_without_a_number() -> None:
    picture = signed_picture(np.array([[-5.0, 0, 5, -99, np.nan]]), 5, width=5)[0]
    assert picture[1].tolist() == [255, 255, 255]
    assert picture[0].tolist() == picture[3].tolist() == SIGNED_COLOURS[0].tolist()
    assert picture[2].tolist() == SIGNED_COLOURS[-1].tolist()
    assert int(picture[0][2]) > int(picture[0][0])  # negative is blue
    assert int(picture[2][0]) > int(picture[2][2])
    assert picture[4].tolist() == [185, 185, 185]


def test_samples_of_one_pixel_are_averaged() -> None:
    values = np.array([[0.0, 2, 4, 6, 8, 10, np.nan, 1]])
    picture = signed_picture(values, 10, width=4)[0]
    expected = signed_picture(np.array([[1.0, 5, 9, np.nan]]), 10, width=4)[0]
    np.testing.assert_array_equal(picture, expected)


def test_limits_are_round_and_beyond_nearly_all_values_of_nearly_all_channels() -> None:
    assert round_limit([np.array([[0.3, -0.19]])]) == 0.5
    noisy = np.full((93, 100), 3.0)
    noisy[7] = 800
    assert round_limit([noisy]) == 5
    assert round_limit([noisy, np.full((4, 5), -30.0)]) == 50
    assert round_limit([np.array([[np.nan]])]) == 1
    assert round_limit([]) == 1
    assert round_limit([np.array([[2.0], [np.nan]])]) == 2


def test_the_sink_is_where_it_was_put() -> None:
    one = average()
    found, why = csd_of(probe(one), one, NOT_SMOOTHED)
    assert why == ""
    assert found is not None
    channel, sample = np.unravel_index(np.nanargmin(found), found.shape)
    assert (channel, sample) == (5, 160)
    assert np.isnan(found[[0, -1]]).all()


def test_offsets_of_channels_are_no_current() -> None:
    one = average()
    offsets = np.random.default_rng(0).normal(scale=1e-3, size=N)
    other = replace(one, mean=one.mean + offsets[:, np.newaxis], baseline=one.baseline + offsets)
    found, expected = (csd_of(probe(some), some, NOT_SMOOTHED)[0] for some in (other, one))
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (probe(average(), axis=None), "the file has no depth"),
        (probe(average(), axis=DepthAxis("depth", "depth", unit="")), "unit of the depth"),
        (probe(average(), depth=np.tile([0.0, 40], 6)), "fewer than three contacts"),
    ],
)
def test_why_there_is_no_csd(made: EvokedProbe, why: str, tmp_path: Path) -> None:
    found, said = csd_of(made, made.kinds[0], NOT_SMOOTHED)
    assert found is None
    assert why in said
    draw_averages(made, tmp_path / "a.png")  # the rest is drawn
    assert matplotlib.image.imread(tmp_path / "a.png").shape[0] > 300


def test_bad_channels_and_those_of_few_trials_are_not_in_the_csd() -> None:
    one = average()
    one.n[3] = 10
    made = probe(one)
    made.bad[8] = True
    found, _ = csd_of(made, one, NOT_SMOOTHED)
    assert found is not None
    assert np.isnan(found[[3, 8]]).all()
    assert np.isfinite(found[[2, 4, 7, 9]]).all()
    assert is_bad({"channel": "3", "dead": "1"}, {})
    assert is_bad({"channel": "3", "dead": "0", "label": "noisy"}, {4: "good"})
    assert not is_bad({"channel": "3", "dead": "0", "label": "outside"}, {})
    assert not is_bad({"channel": "3", "dead": "1", "label": "dead"}, {3: "good"})
    assert is_bad({"channel": "3", "dead": "0", "label": "good"}, {3: "noisy"})


def test_columns_of_contacts_are_shanks_x_and_stretches_of_depth() -> None:
    def columns(**known: npt.ArrayLike) -> list[int]:
        return contact_columns(probe(**known).channels).tolist()

    assert columns() == [0] * N
    assert columns(across=np.tile([11.0, 43.0], 6)) == [0, 1] * 6
    assert columns(across=np.full(N, np.nan)) == [0] * N
    far = np.concatenate([np.arange(6) * 40.0, 3000 + np.arange(6) * 40.0])
    assert columns(depth=far) == [0] * 6 + [1] * 6
    shanks = columns(shank=np.array(["0"] * 6 + ["1"] * 6))
    assert len(set(shanks[:6])) == len(set(shanks[6:])) == 1
    assert shanks[0] != shanks[-1]
    unknown = 20 + 40.0 * np.arange(N)
    unknown[4] = np.nan
    assert columns(depth=unknown) == [0] * 4 + [-1] + [0] * 7


def test_one_scale_for_all_probes() -> None:
    small, large = probe(average(scale=1e-5)), probe(average(scale=2e-4))
    pairs = [(made, made.kinds[0]) for made in (small, large)]
    scales = choose_scales(pairs, NOT_SMOOTHED)
    assert scales == choose_scales(pairs[1:], NOT_SMOOTHED)
    assert scales.microvolts == 200


def test_an_average_without_a_response_is_pale() -> None:
    one = average(scale=1e-6)
    noisy = replace(one, sem=np.full(one.sem.shape, 1e-5))
    assert choose_scales([(probe(noisy), noisy)], NOT_SMOOTHED).microvolts == 50


def test_lines_are_the_channels_of_the_largest_response() -> None:
    made = probe(average())
    assert len(pick_lines(made, made.kinds[0])) == 5
    assert 5 in pick_lines(made, made.kinds[0])
    made.bad[5] = True
    assert 5 not in pick_lines(made, made.kinds[0])


def test_the_files_own_csd_on_our_channels() -> None:
    made = probe(average())
    contacts = np.arange(0, 600, 10.0)
    density = np.repeat(contacts[:, np.newaxis], 3, axis=1)
    stored = StoredCsd(np.array([0, 0.1, 0.2]), contacts, density, "x")
    with_csd = EvokedProbe("s", "a", made.channels, made.bad, made.kinds, stored=stored)
    found = stored_on_channels(with_csd)
    assert found is not None
    # 20 µm: contacts from 0 to 30 µm; 60 µm: from 40 to 70 µm
    assert found.mean[:2, 0].tolist() == [15, 55]
    assert stored_on_channels(made) is None
    other = probe(average(), axis=DepthAxis("rel_y", "position"))
    with_csd = EvokedProbe("s", "a", other.channels, other.bad, other.kinds, stored=stored)
    assert stored_on_channels(with_csd) is None


def test_averages_without_a_trial_and_too_many_are_named(tmp_path: Path) -> None:
    none = average("cues", n=0)
    none.mean[:] = none.sem[:] = none.baseline[:] = np.nan
    shown, left_out = choose_rows(probe(average(), none))
    assert [one.name for one in shown] == ["flashes"]
    assert left_out == ["cues: no complete trial (2 dropped, at a gap or a clock reset)"]
    shown, left_out = choose_rows(probe(*(average(f"k{i}") for i in range(50))))
    assert len(shown) == 40
    assert left_out == ["10 more averages in evoked.zarr.zip"]
    draw_averages(probe(average(), none), tmp_path / "some.png")
    draw_averages(probe(none), tmp_path / "none.png")
    assert matplotlib.image.imread(tmp_path / "none.png").shape[0] == 40
    draw_session_averages([probe(average(), none), probe(none)], tmp_path / "s.png", session="s")


def test_pictures_of_a_probe_and_a_session(tmp_path: Path) -> None:
    areas = np.array(["VISp"] * 6 + ["root"] * 6)
    first = probe(average(), average("gratings", n=3), area=areas, name="p1")
    second = probe(average("gratings"), axis=None, name="p2")
    empty = probe(name="p3")
    draw_averages(first, tmp_path / "probe.png", smoothing=Smoothing(50, 2))
    height, width, _ = matplotlib.image.imread(tmp_path / "probe.png").shape
    assert width == 1600
    draw_averages(probe(average()), tmp_path / "one.png")
    assert matplotlib.image.imread(tmp_path / "one.png").shape[0] < height
    draw_session_averages([second, empty, first], tmp_path / "session.png", session="s")
    assert matplotlib.image.imread(tmp_path / "session.png").shape[1] == 1600
    draw_averages(empty, tmp_path / "none.png")
    draw_session_averages([empty], tmp_path / "no_session.png", session="s")
    for name in ("none.png", "no_session.png"):
        assert matplotlib.image.imread(tmp_path / name).shape[0] == 40


def test_kinds_of_a_session_are_those_with_most_trials() -> None:
    kinds = [average(f"k{i}", n=10 + i) for i in range(8)]
    names, more = choose_names([probe(*kinds[:4]), probe(*kinds[2:])])
    assert names == ["k2", "k3", "k4", "k5", "k6", "k7"]
    assert more == ["2 kinds more in the pictures of the probes"]


def test_smoothing_in_words() -> None:
    assert str(NOT_SMOOTHED) == "not smoothed"
    assert str(Smoothing(50, 2)) == "smoothed by 50 µm and 2 ms (SD)"
