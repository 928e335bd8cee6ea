"""Images of spectra by hand-written numbers, and pages of odd recordings."""

from pathlib import Path

import numpy as np
import pytest
import recorded
from PIL import Image

from lfpscope.errors import UserError
from lfpscope.render.palettes import LABEL_COLOURS
from lfpscope.render.rows import RowBlock, Rows
from lfpscope.render.spectra import draw_spectrum
from lfpscope.render.spectrum_images import (
    COLOURS,
    NO_WINDOW,
    band_columns,
    colour_image,
    fit_scale,
    mean_rows,
    psd_columns,
    time_columns,
)
from lfpscope.summary.spectrum_file import SpectrumSettings
from lfpscope.summary.summarize import build_envelope

nan = float("nan")


def rows_of(*channels):
    return Rows(np.array(channels), (RowBlock("", 0, len(channels), True),))


# --- images -------------------------------------------------------------------------------------


def test_rows_are_repeated_where_there_is_room():
    values = np.array([[1.0], [2.0], [3.0]])
    assert mean_rows(values, rows_of(2, 0, 1), 6)[:, 0].tolist() == [3, 3, 1, 1, 2, 2]


def test_rows_are_averaged_where_there_is_none_without_nan():
    values = np.array([[1.0], [3.0], [nan], [5.0], [nan], [nan]])
    found = mean_rows(values, rows_of(0, 1, 2, 3, 4, 5), 3)[:, 0]
    assert found[:2].tolist() == [2, 5]
    assert np.isnan(found[2])


def test_columns_of_frequency_are_means_or_the_nearest():
    frequency = np.arange(9.0)  # 0 to 8 Hz
    psd = np.arange(9.0)[np.newaxis] ** 2
    edges = np.array([1.0, 1.4, 2.9, 5.0, 8.0])
    # 1; 2; 3 and 4; 5, 6 and 7
    expected = [1, 4, (9 + 16) / 2, (25 + 36 + 49) / 3]
    assert psd_columns(frequency, psd, edges)[0] == pytest.approx(expected)


def test_time_bins_of_pixels_leave_a_gap_empty():
    edges = np.array([[0.0, 2.0], [2.0, 4.0], [8.0, 10.0]])
    first, stop = time_columns(edges, 0.0, 10.0, 5)
    assert list(zip(first.tolist(), stop.tolist(), strict=True)) == [
        *((0, 1), (1, 2)),
        *((2, 2), (2, 2)),
        (2, 3),
    ]


def test_columns_of_bands_are_mean_powers():
    codes = np.array([[1, 21, 0, 0]], np.uint8)  # −100 dB, −90 dB, no window twice
    first, stop = np.array([0, 1, 2]), np.array([2, 2, 4])
    found = band_columns(codes, -100.0, 0.5, first, stop)[0]
    assert found[:2] == pytest.approx([(1e-10 + 1e-9) / 2, 1e-9])
    assert np.isnan(found[2])


def test_colours_are_decibels_of_microvolts():
    image = colour_image(np.array([[1e-12, 1e-10, 1e-8, 1.0, nan]]), 0.0, 40.0)
    expected = [COLOURS[0], COLOURS[127], COLOURS[255], COLOURS[255], NO_WINDOW]
    assert image[0].tolist() == [one.tolist() for one in expected]


@pytest.mark.parametrize(
    ("level", "moved"), [(5.0, 0.0), (-29.0, 0.0), (75.0, 70.0), (-90.0, -100.0), (nan, 0.0)]
)
def test_a_scale_is_moved_only_where_what_is_usual_lies_beyond_it(level, moved):
    assert fit_scale(np.full((3, 4), level), -30.0, 40.0) == pytest.approx(moved, abs=5.0)
    if moved == 0:
        assert fit_scale(np.full((3, 4), level), -30.0, 40.0) == 0


# --- pages --------------------------------------------------------------------------------------


def draw(folder: Path, data, **options) -> tuple[Path, Path]:
    references = recorded.index(folder, data, chunks=(min(1000, data.shape[0]), 1), **options)
    spectrum = folder / "spectrum.zarr.zip"
    build_envelope(references, folder / "envelope.zarr.zip", spectrum=SpectrumSettings(spectrum))
    pictures = folder / "spectrum.png", folder / "small.png"
    draw_spectrum(references.file, spectrum, picture=pictures[0], thumbnail=pictures[1])
    return pictures


@pytest.mark.parametrize("shape", [(50, 3), (300, 1), (4000, 2), (40_000, 1), (6000, 600)], ids=str)
def test_any_shape_is_drawn(tmp_path, shape):
    data = recorded.walk(*shape, step=1e-6).astype(np.float32)
    picture, thumbnail = draw(tmp_path, data)
    with Image.open(picture) as image:
        assert image.width == 1600
    with Image.open(thumbnail) as image:
        assert image.size == (320, 180)


def test_all_nan_is_drawn_in_words(tmp_path):
    picture, _ = draw(tmp_path, np.full((10_000, 2), np.nan, np.float32))
    with Image.open(picture) as image:
        assert image.height < 700  # no bands, no coherence


def test_equal_input_gives_equal_bytes(tmp_path):
    data = recorded.walk(20_000, 4, step=1e-6).astype(np.float32)
    made = []
    for name in "ab":
        (tmp_path / name).mkdir()
        made.append([one.read_bytes() for one in draw(tmp_path / name, data)])
    assert made[0] == made[1]


def test_spectra_of_another_probe_are_refused(tmp_path):
    data = recorded.walk(5000, 2, step=1e-6).astype(np.float32)
    for name, some in (("a", data), ("b", data[:4000])):
        (tmp_path / name).mkdir()
        draw(tmp_path / name, some)
    with pytest.raises(UserError, match="made of another file or probe"):
        draw_spectrum(
            tmp_path / "b" / "lfp.json",
            tmp_path / "a" / "spectrum.zarr.zip",
            picture=tmp_path / "c.png",
            thumbnail=tmp_path / "d.png",
        )


def test_labels_by_hand_are_those_of_the_picture(tmp_path):
    data = recorded.walk(20_000, 6, step=1e-6).astype(np.float32)
    picture, thumbnail = draw(tmp_path, data)
    table = tmp_path / "bad_channels.tsv"

    def colours(by_hand):
        files = {"picture": picture, "thumbnail": thumbnail, "by_hand": by_hand}
        draw_spectrum(tmp_path / "lfp.json", tmp_path / "spectrum.zarr.zip", **files)
        with Image.open(picture) as image:
            return {
                f"#{r:02x}{g:02x}{b:02x}"
                for _, (r, g, b) in image.convert("RGB").getcolors(1 << 24)
            }

    assert LABEL_COLOURS["noisy"] not in colours(None)
    table.write_text("probe\tchannel\tlabel\tnote\nprobe\t2\tnoisy\t\n")
    assert LABEL_COLOURS["noisy"] in colours(table)
