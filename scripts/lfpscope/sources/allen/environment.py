"""AllenSDK's own environment, and whether it works. Runs in it."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from allensdk.brain_observatory.ecephys.ecephys_project_cache import EcephysProjectCache
from pynwb import NWBHDF5IO, NWBFile

from lfpscope.io.tables import write_json

PACKAGES = ("allensdk", "pynwb", "hdmf", "h5py", "numpy", "pandas")


def prepare_allensdk(versions: Path) -> None:
    """Write an NWB file and open it: with other versions AllenSDK is imported, and cannot.

    Parameters
    ----------
    versions : Path
        JSON to write: versions of what is in the environment.
    """
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "smoke.nwb"))
        nwb = NWBFile("a smoke test", "1", datetime(2019, 1, 19, tzinfo=UTC))
        with NWBHDF5IO(path, "w") as io:
            io.write(nwb)
        with NWBHDF5IO(path, "r") as io:
            assert io.read().identifier == "1"  # noqa: S101 - a test
    found = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    write_json(versions, found)
    print(EcephysProjectCache.__name__, *(f"{name} {one}" for name, one in found.items()))
