"""How the stored numbers of a recording become volts, and what is doubted about it."""

from typing import Any

import dialects
import h5py
import hdf5plugin
import numpy as np
import pytest
from dialects import SERIES, add_region, add_series, add_table, recording, references, texts, volts

from lfpscope.errors import UserError
from lfpscope.summary.summarize import build_envelope
from lfpscope.verify.checks import verify

nwb = dialects.nwb  # the fixture

COUNT = 0.195e-6


def counts(n: int = 3000, n_channels: int = 4) -> Any:
    """LFP of about 100 µV as counts of 0.195 µV."""
    chance, time = np.random.default_rng(1), np.arange(n)[:, None] / 1250
    theta = 120 * np.sin(2 * np.pi * 8 * time + np.arange(n_channels))
    return np.round((theta + chance.normal(0, 15, (n, n_channels))) / 0.195).astype("<i2")


def series(nwb: h5py.File, data: Any = None, **attributes: Any) -> h5py.Group:
    group = add_series(nwb, data=counts() if data is None else data)
    group["data"].attrs.update({"unit": "volts"} | attributes)
    return group


def values(nwb: h5py.File) -> list[str]:
    """Texts of the doubts about values."""
    return [doubt.text for doubt in recording(nwb).doubts if doubt.kind == "values"]


# --- conversion and offset ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1)])
def test_conversion_of_each_channel(nwb, tmp_path, shape):
    gains = COUNT * np.array([1.0, 4.0, 1.0, -2.0])
    series(nwb, conversion=gains.reshape(shape))
    opened = references(nwb, tmp_path)
    np.testing.assert_array_equal(opened.scale, gains)
    assert values(nwb) == ["conversion has a number for each channel: each is used"]


def test_conversion_of_each_channel_times_channel_conversion(nwb, tmp_path):
    gains, more = COUNT * np.array([1.0, 4.0, 1.0, 2.0]), np.array([1.0, 2.0, 0.5, 1.0])
    series(nwb, conversion=gains)["channel_conversion"] = more
    np.testing.assert_array_equal(references(nwb, tmp_path).scale, gains * more)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("name", ["conversion", "offset"])
def test_as_many_numbers_as_neither_all_nor_each(nwb, name, n):
    series(nwb, **{name: np.full(n, COUNT)})
    expected = (
        rf"/acquisition/lfp/data: attribute {name} has shape \({n},\) "
        r"\(expected one number, or one for each of 4 channels\)"
    )
    with pytest.raises(UserError, match=expected):
        recording(nwb)


@pytest.mark.parametrize(
    "stored", ["1.95e-07", b"1.95e-07", " 1.95E-7 ", np.array(["1.95e-07"], dtype=object)]
)
def test_conversion_that_is_the_text_of_a_number(nwb, stored):
    series(nwb, conversion=stored)
    assert recording(nwb).conversion == 1.95e-07
    assert values(nwb) == []


@pytest.mark.parametrize("name", ["conversion", "offset"])
@pytest.mark.parametrize("stored", ["unknown", "", "0.195 µV", "unknown " * 99])
def test_a_word_in_place_of_a_number(nwb, name, stored):
    series(nwb, **{name: stored})
    with pytest.raises(UserError) as raised:
        recording(nwb)
    assert str(raised.value) == (
        f"{nwb.filename}: /acquisition/lfp/data: attribute {name} is {stored[:40]!r} "
        "(expected a finite number). Ask who wrote the file."
    )


@pytest.mark.parametrize("stored", [np.nan, np.inf, -np.inf, "nan"])
@pytest.mark.parametrize("name", ["conversion", "offset"])
def test_number_that_is_not_finite(nwb, name, stored):
    series(nwb, **{name: stored})
    with pytest.raises(UserError, match=rf"attribute {name} is .*\(expected a finite number\)"):
        recording(nwb)


@pytest.mark.parametrize("stored", [0.0, 1e30, -1e30, 1e-30, [1.0, 1.0, 1.0, 1e30], [0.0] * 4])
def test_gain_that_makes_no_volts(nwb, stored):
    series(nwb, conversion=stored)
    expected = r"attribute conversion makes -?[\de+-]+ V of one stored unit"
    with pytest.raises(UserError, match=expected):
        recording(nwb)


def test_channel_of_gain_0_is_one_that_is_switched_off(nwb, tmp_path):
    gains = [COUNT, -COUNT, 0.0, COUNT]
    series(nwb)["channel_conversion"] = gains
    assert references(nwb, tmp_path).scale.tolist() == gains
    assert values(nwb) == []


def test_offset_that_is_the_same_for_each_channel(nwb, tmp_path):
    data = (counts().astype("i4") + 32768).astype("<u2")
    series(nwb, data, conversion=COUNT, offset=np.full(4, -32768 * COUNT))
    references(nwb, tmp_path)
    np.testing.assert_allclose(volts(tmp_path), counts() * COUNT, rtol=1e-6, atol=1e-9)


def test_offset_that_differs_between_channels(nwb):
    series(nwb, conversion=COUNT, offset=[0.0, 0.0, 1e-3, 0.0])
    with pytest.raises(UserError, match=r"attribute offset has 2 different numbers \(expected one"):
        recording(nwb)


@pytest.mark.parametrize("link", [h5py.SoftLink("/gone"), h5py.ExternalLink("raw.nwb", "/gains")])
def test_channel_conversion_that_is_not_in_the_file(nwb, link):
    add_series(nwb)["channel_conversion"] = link
    with pytest.raises(UserError, match=r"channel_conversion: a link (to /gone|into another file)"):
        recording(nwb)


def test_channel_conversion_of_another_length(nwb):
    add_series(nwb)["channel_conversion"] = [1.0, 2.0]
    with pytest.raises(UserError, match=r"channel_conversion of shape \(2,\) for 4 channels"):
        recording(nwb)


def test_channel_conversion_that_is_not_finite(nwb):
    add_series(nwb)["channel_conversion"] = [1.0, 2.0, np.nan, 1.0]
    with pytest.raises(UserError, match=r"channel_conversion of nan \(expected finite"):
        recording(nwb)


@pytest.mark.parametrize("rate", ["fast", 1 + 2j, np.zeros(0)])
def test_rate_that_is_no_number(nwb, rate):
    add_series(nwb)["starting_time"].attrs["rate"] = rate
    with pytest.raises(UserError, match=r"a rate of nan Hz; expected more than 0"):
        recording(nwb)


# --- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "factor", "name"),
    [
        ("uV", 1e-6, "microvolts"),
        ("µV", 1e-6, "microvolts"),  # micro sign
        ("\u03bcV", 1e-6, "microvolts"),  # Greek mu
        ("microvolts", 1e-6, "microvolts"),
        ("Microvolt", 1e-6, "microvolts"),
        ("mV", 1e-3, "millivolts"),
        ("millivolts", 1e-3, "millivolts"),
    ],
)
def test_unit_that_is_part_of_a_volt(nwb, tmp_path, unit, factor, name):
    expected = counts() * COUNT
    series(nwb, (expected / factor).astype("<f4"), conversion=1.0, unit=unit)
    (doubt,) = values(nwb)
    assert doubt.startswith(f"unit {unit!r}: taken as {name}, as a typical ")
    references(nwb, tmp_path)
    np.testing.assert_allclose(volts(tmp_path), expected, rtol=1e-5, atol=1e-10)


def test_millivolts_of_a_quiet_recording(nwb):
    series(nwb, counts() * COUNT * 1e3 / 10, conversion=1.0, unit="mV")  # MAD of 8 µV
    assert recording(nwb).conversion == 1e-3


def test_unit_of_counts_with_gain_and_offset_in_microvolts(nwb, tmp_path):
    data = (counts().astype("i4") + 1000).astype("<i4")
    series(nwb, data, conversion=0.195, offset=-195.0, unit="uV")
    references(nwb, tmp_path)
    np.testing.assert_allclose(volts(tmp_path), counts() * COUNT, rtol=1e-6, atol=1e-10)


def test_unit_of_microvolts_whose_conversion_makes_volts(nwb, tmp_path):
    series(nwb, conversion=COUNT, unit="uV")
    assert values(nwb) == ["unit 'uV': taken as volts after conversion, as NWB says"]
    assert references(nwb, tmp_path).scale.tolist() == [COUNT] * 4


@pytest.mark.parametrize("unit", ["a.u.", "counts", "bits", "unknown", "MegaV"])
def test_unit_that_is_no_part_of_a_volt(nwb, unit):
    series(nwb, conversion=COUNT, unit=unit)
    assert values(nwb) == [f"unit {unit!r}: taken as volts after conversion, as NWB says"]


def test_counts_that_are_said_to_be_counts(nwb):
    series(nwb, conversion=1.0, unit="counts")
    (doubt,) = values(nwb)
    assert doubt.startswith("unit 'counts': taken as volts after conversion, as NWB says, which")
    assert recording(nwb).conversion == 1.0


def test_unit_of_data_that_do_not_vary_is_not_guessed(nwb):
    series(nwb, np.full((3000, 4), 80.0, "<f4"), unit="uV")
    assert values(nwb) == ["unit 'uV': taken as volts after conversion, as NWB says"]
    assert recording(nwb).conversion == 1.0


@pytest.mark.parametrize("unit", ["volts", "V", "Volts", "volt", ""])
@pytest.mark.parametrize(("conversion", "doubted"), [(COUNT, 0), (1.0, 1), (1e-15, 1)])
def test_volts_of_absurd_size(nwb, unit, conversion, doubted):
    series(nwb, conversion=conversion, unit=unit)
    assert len(values(nwb)) == doubted
    assert all("a typical amplitude of" in doubt for doubt in values(nwb))
    assert recording(nwb).conversion == conversion


@pytest.mark.parametrize(("factor", "size"), [(1e3, "large"), (1e-3, "small")])
def test_volts_that_are_millivolts_or_divided_twice(nwb, factor, size):
    series(nwb, conversion=factor * COUNT)
    (doubt,) = values(nwb)
    assert doubt.endswith(f" V is {size} for LFP: is conversion right?")
    assert recording(nwb).conversion == factor * COUNT


def test_a_baseline_is_no_amplitude(nwb):
    series(nwb, counts() * COUNT + np.array([3.0, -2.0, 0.0, 5.0]), conversion=1.0)
    assert values(nwb) == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_samples_that_are_no_numbers_do_not_count(nwb, value):
    data = (counts() * COUNT * 1e6).astype("<f4")
    data[:, 0], data[::7] = value, value
    series(nwb, data, conversion=1.0, unit="uV")
    assert recording(nwb).conversion == 1e-6


@pytest.mark.filterwarnings("error")
def test_nothing_but_nan(nwb):
    series(nwb, np.full((3000, 4), np.nan, "<f4"), unit="volts")
    assert values(nwb) == []


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chunks": (1, 4)},
        {"chunks": (7, 3), "compression": "gzip", "shuffle": True},
        {"chunks": (3000, 1), "compression": "gzip", "fletcher32": True},
        {"chunks": (4000, 4), "maxshape": (None, 4)},
        {"chunks": (500, 4), **hdf5plugin.Zstd()},
    ],
    ids=["contiguous", "rows", "ragged", "columns", "one", "zstd"],
)
@pytest.mark.parametrize("channels_first", [False, True])
def test_samples_are_looked_at_in_any_layout(nwb, how, channels_first):
    data = (counts() * COUNT * 1e6).astype("<f4")
    group = nwb.create_group(SERIES)
    group.attrs["neurodata_type"] = "ElectricalSeries"
    if channels_first:
        how = {k: v[::-1] if k in ("chunks", "maxshape") else v for k, v in how.items()}
        how.pop("maxshape", None)
        how |= {"chunks": (4, 3000)} if how.get("chunks") == (4, 4000) else {}
    group.create_dataset("data", data=data.T if channels_first else data, **how)
    group["data"].attrs["unit"] = "uV"
    group["timestamps"] = np.arange(3000) / 1250
    found = recording(nwb)
    assert found.transposed == channels_first
    assert found.conversion == 1e-6


def test_damaged_and_missing_chunks_are_passed_over(nwb):
    data = (counts(6000) * COUNT * 1e6).astype("<f4")
    group = nwb.create_group(SERIES)
    group.attrs["neurodata_type"] = "ElectricalSeries"
    stored = group.create_dataset("data", (6000, 4), "<f4", chunks=(1000, 4), compression="gzip")
    stored[4000:5000] = data[4000:5000]  # of the others, one is damaged and the rest missing
    stored.id.write_direct_chunk((3000, 0), b"not gzip")
    stored.attrs["unit"] = "uV"
    group["timestamps"] = np.arange(6000) / 1250
    assert recording(nwb).conversion == 1e-6


def test_verification_names_the_factor(nwb, tmp_path):
    series(nwb, (counts() * 0.195).astype("<f4"), conversion=1.0, unit="uV")
    opened = references(nwb, tmp_path)
    nwb.flush()
    build_envelope(opened, tmp_path / "envelope.zarr.zip", bucket=128, threads=1)
    result = verify(tmp_path / "lfp.json", tmp_path / "envelope.zarr.zip", chunks=None)
    assert result["problems"] == []
    assert "(volts × 1e-06, by the unit of the data)" in result["checks"]["channels"]


# --- gains in the electrodes table --------------------------------------------------------------


def table(nwb: h5py.File, group: h5py.Group, **columns: Any) -> None:
    stored = add_table(
        nwb, id=np.arange(4), location=["a"] * 4, rel_y=20.0 * np.arange(4), **columns
    )
    add_region(group, np.arange(4), stored)


def test_gain_and_offset_in_the_electrodes_table_alone(nwb):
    data = (counts().astype("i4") + 32768).astype("<u2")
    group = series(nwb, data, conversion=1e-6)
    table(nwb, group, gain_to_uV=[0.195] * 4, offset_to_uV=[-32768 * 0.195] * 4)
    (doubt,) = texts(recording(nwb))
    assert doubt == (
        "electrodes columns gain_to_uV, offset_to_uV contradict the series: "
        "volts are 5.13 times theirs, 6.39 mV off"
    )
    assert (recording(nwb).conversion, recording(nwb).offset) == (1e-6, 0.0)


@pytest.mark.parametrize(
    "columns",
    [
        {"gain_to_uV": [0.195] * 4, "offset_to_uV": [0.0] * 4},
        {"gain_to_uV": [0.19501] * 4},  # within a thousandth
        {"gain_to_uV": [np.nan] * 4},
        {"gain": [0.195] * 4, "offset": [0.0] * 4},
        {"gain": [COUNT] * 4},
        {"gain": [500.0] * 4},  # an amplifier's
        {"gain": [1.0] * 4},
    ],
)
def test_gains_that_agree_or_say_something_else(nwb, columns):
    table(nwb, series(nwb, conversion=COUNT), **columns)
    assert texts(recording(nwb)) == ()


def test_offset_in_volts_or_microvolts_is_read_so_that_it_matters(nwb):
    data = (counts().astype("i4") + 32768).astype("<u2")
    table(nwb, series(nwb, data, conversion=COUNT), gain=[COUNT] * 4, offset=[-32768 * COUNT] * 4)
    assert texts(recording(nwb)) == (
        "electrodes column offset contradicts the series: 6.39 mV off",
    )


def test_gain_that_contradicts_for_one_channel(nwb):
    table(nwb, series(nwb, conversion=COUNT), gain_to_uV=[0.195, 0.195, 0.39, 0.195])
    assert texts(recording(nwb)) == (
        "electrodes column gain_to_uV contradicts the series: volts are 0.5 times theirs",
    )


def test_gain_of_each_channel_that_agrees(nwb):
    group = series(nwb, conversion=1e-6)
    group["channel_conversion"] = [0.195, 0.39, 0.195, 0.39]
    table(nwb, group, gain_to_uV=[0.195, 0.39, 0.195, 0.39])
    assert texts(recording(nwb)) == ()


def test_gain_left_over_from_what_is_in_volts_by_now(nwb):
    table(nwb, series(nwb, (counts() * COUNT).astype("<f4")), gain_to_uV=[0.195] * 4)
    assert texts(recording(nwb)) == ()


def test_gain_agrees_with_a_unit_of_microvolts(nwb):
    table(nwb, series(nwb, conversion=0.195, unit="uV"), gain_to_uV=[0.195] * 4)
    assert len(texts(recording(nwb))) == 1  # that of the unit
