"""What all tests share: hypothesis profiles, and small NWB files written as plain HDF5."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.scheduler import LoadFileScheduling

# no time limit for an example: machines are shared, and numba compiles in the first one
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # it takes up to 5 minutes
settings.register_profile("quick", max_examples=10, phases=WITHOUT_SHRINKING, **PATIENT)
settings.register_profile("ci", max_examples=100, print_blob=True, **PATIENT)
IN_CI = os.environ.get("CI") == "true"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "quick"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


class ByFile(LoadFileScheduling):
    """Give each file to one process of pytest-xdist, and files that share a fixture to one too.

    Its own ``--dist=loadgroup`` does nothing with pytest 9.2 (xdist 3.8).
    """

    SHARED = ("test_batch.py", "test_slurm.py")  # run one batch of sessions

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "batch" if file.endswith(self.SHARED) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Replace the scheduler of pytest-xdist."""
    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep viewers of tests from writing into the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def write_nwb() -> Callable[..., Path]:
    """Return a function that writes a small NWB file."""
    return _write_nwb


def _write_nwb(
    path: Path,
    series: tuple[str, ...] = ("lfp",),
    *,
    samples: int = 3000,
    channels: int = 4,
    neurodata_type: str = "ElectricalSeries",
    compression: str = "gzip",
    seed: int = 0,
) -> Path:
    """Write a file with one LFP container that holds these series: 1250 Hz, float32 volts."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        table = file.create_group("general/extracellular_ephys/electrodes")
        table["id"] = np.arange(100, 100 + channels)
        table["probe_vertical_position"] = 20.0 * np.arange(channels)
        table["location"] = np.array(["CA1"] * channels, dtype=h5py.string_dtype())
        container = file.create_group("acquisition/LFP")
        container.attrs["neurodata_type"] = "LFP"
        for name in series:
            group = container.create_group(name)
            group.attrs["neurodata_type"] = neurodata_type
            volts = (1e-4 * rng.standard_normal((samples, channels))).astype("float32")
            group.create_dataset("data", data=volts, chunks=(1000, 1), compression=compression)
            group["timestamps"] = 10 + np.arange(samples) / 1250
            group["electrodes"] = np.arange(channels)
            group["electrodes"].attrs["table"] = table.ref
    return path


@pytest.fixture(scope="session")
def nolock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a library in whose presence flock answers as on a disk without locks."""
    folder = tmp_path_factory.mktemp("nolock")
    if (compiler := shutil.which("gcc")) is None:
        pytest.skip("no compiler for a stand-in of a disk without locks")
    answer = "{ errno = ENOLCK; return -1; }"
    code = f"#include <errno.h>\nint flock(int file, int operation) {answer}\n"
    (folder / "nolock.c").write_text(code)
    command = [compiler, "-shared", "-fPIC", "-o", folder / "nolock.so", folder / "nolock.c"]
    subprocess.run(command, check=True)
    return folder / "nolock.so"
