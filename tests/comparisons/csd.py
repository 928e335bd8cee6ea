"""CSD beside elephant's and ibldsp's: the same numbers, up to the factors that are known."""

import neo
import numpy as np
import quantities as pq
from elephant.current_source_density import estimate_csd
from ibldsp.voltage import current_source_density

from lfpscope.signals import csd

N, STEP_UM, RATE = 24, 40.0, 1250.0


def potential() -> np.ndarray:
    """A dipole layer and noise, volts, shape (n_channels, n_times)."""
    rng = np.random.default_rng(0)
    z, t = np.arange(N)[:, np.newaxis], np.arange(200)[np.newaxis] / RATE
    sink = -2e-4 * np.exp(-0.5 * ((z - 9) / 2.5) ** 2) * np.exp(-0.5 * ((t - 0.06) / 0.01) ** 2)
    return sink + 2e-6 * rng.normal(size=sink.shape)


def compare(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{name}: largest difference {difference:.2g} of the largest value")
    assert difference < 1e-9, name


def main() -> None:
    volts, depth = potential(), STEP_UM * np.arange(N)
    ours = csd(volts, depth)[1:-1]
    # elephant: −σ/h [1 −2 1], one factor 1/h short of A/m³
    signal = neo.AnalogSignal(volts.T, units="V", sampling_rate=RATE * pq.Hz)
    coordinates = (depth * 1e-6)[:, np.newaxis] * pq.m
    theirs = estimate_csd(
        signal,
        coordinates=coordinates,
        method="StandardCSD",
        sigma=0.3 * pq.S / pq.m,
        f_type="identity",
        f_order=1,
        vaknin_el=False,
    )
    standard = np.asarray(theirs.magnitude).T / (STEP_UM * 1e-6)
    compare("elephant StandardCSD ÷ h", ours, standard)  # it returns the inner contacts
    # ibldsp: no minus, σ = 1/3 S/m; it measures distances from the origin, so x has to be 0
    header = {
        "x": np.zeros(N),
        "y": depth,
        "col": np.zeros(N),
        "row": np.arange(N),
        "shank": np.zeros(N),
    }
    compare("−0.9 × ibldsp", ours, -0.9 * current_source_density(volts, header)[1:-1])


if __name__ == "__main__":
    main()
