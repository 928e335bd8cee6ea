"""The CSD that Allen's files store."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpscope.nwb.stored_csd import read_stored_csd

TIME = np.array([-0.1, 0.0, 0.1, 0.2])
DEPTH = np.array([20.0, 0.0, 10.0])
VALUES = np.arange(12.0).reshape(4, 3)  # (time, contact), µV/mm² as AllenSDK computes it


def write(path: Path, values: np.ndarray, unit: str = "V/cm^2") -> str:
    with h5py.File(path, "w") as nwb:
        group = nwb.create_group("processing/current_source_density/ecephys_csd")
        group.attrs["neurodata_type"] = "EcephysCSD"
        group["current_source_density/data"] = values
        group["current_source_density/data"].attrs["unit"] = unit
        group["current_source_density/timestamps"] = TIME
        group["virtual_electrode_y_positions"] = DEPTH
    return str(path)


@pytest.mark.parametrize("values", [VALUES, VALUES.T], ids=["released", "channels first"])
def test_unit_and_sign_are_corrected(tmp_path: Path, values: np.ndarray) -> None:
    found, remark = read_stored_csd(write(tmp_path / "a.nwb", values))
    assert remark == ""
    assert found is not None
    # 1 µV/mm² is 1 V/m²; sinks were positive
    np.testing.assert_allclose(found.density, -0.3 * VALUES.T[[1, 2, 0]])
    assert found.depth_um.tolist() == [0, 10, 20]
    assert found.time.tolist() == TIME.tolist()
    assert found.remark == (
        "stored CSD: its unit V/cm^2 is taken as µV/mm² without a minus, so × −0.3 S/m"
    )


def test_other_units_and_shapes_are_left_out(tmp_path: Path) -> None:
    found, remark = read_stored_csd(write(tmp_path / "a.nwb", VALUES, "A/m^3"))
    assert found is None
    assert remark == "stored CSD left out: its unit 'A/m^3' is not known (expected 'V/cm^2')"
    found, remark = read_stored_csd(write(tmp_path / "b.nwb", VALUES[:2]))
    assert found is None
    assert "shape (2, 3) for 3 contacts" in remark


def test_files_without_one_say_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nwb", "w") as nwb:
        nwb.create_group("processing/ecephys/LFP")
    assert read_stored_csd(str(tmp_path / "a.nwb")) == (None, "")
