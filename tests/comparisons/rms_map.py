"""Densities beside ibllib's rmsmap ÷ its number of windows, on the same windows."""

import numpy as np
from ibllib.ephys.ephysqc import WELCH_WIN_LENGTH_SAMPLES, rmsmap

from lfpscope.signals.spectra import Welch, transform_windows

RATE, N_CHANNELS = 2500.0, 24
BLOCK = 8192  # of rmsmap at this rate: 3.28 s
FROM_HZ = 5.0  # it removes what is below 1 Hz, and a window's side lobes of that


class Reader:
    """Samples as rmsmap reads them from a SpikeGLX file, with one channel of synchronisation."""

    fs, nsync = RATE, 1

    def __init__(self, x: np.ndarray) -> None:
        self._x = np.concatenate([x, np.zeros((1, x.shape[1]), x.dtype)]).T
        self.ns, self.nc = self._x.shape

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        rows, columns = key
        return self._x[int(rows.start) : int(rows.stop), columns]

    def close(self) -> None:
        pass


def main() -> None:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(0, 1e-6, (N_CHANNELS, 12 * BLOCK)), axis=1)
    x = (x - 0.99 * np.maximum.accumulate(x, axis=1) + rng.normal(0, 5e-6, x.shape)).astype("f4")
    theirs = rmsmap(Reader(x))
    n_blocks = theirs["TRMS"].shape[0]
    assert n_blocks == 12
    welch = Welch(RATE, WELCH_WIN_LENGTH_SAMPLES)
    ours = np.zeros((N_CHANNELS, welch.frequencies.size))
    starts = welch.starts(BLOCK)  # its windows do not cross blocks
    for channel in range(N_CHANNELS):
        for first in range(0, x.shape[1], BLOCK):
            transform_windows(
                x[channel, first : first + BLOCK],
                starts,
                welch,
                factor=1.0,
                limits=(-1.0, 1.0),
                bounds=np.array([[1, 2]]),
                total=ours[channel],
            )
    ours /= n_blocks * starts.size
    here = welch.frequencies >= FROM_HZ
    ratio = 10 * np.log10(theirs["spectral_density"].T[:, here] / n_blocks / ours[:, here])
    print(f"rmsmap ÷ {n_blocks} windows from {FROM_HZ:g} Hz: within {np.abs(ratio).max():.2g} dB")
    summed = 10 * np.log10(theirs["spectral_density"].T[:, here] / ours[:, here])
    print(f"not divided: {np.median(summed):.2f} dB above, {10 * np.log10(n_blocks):.2f} expected")
    assert np.abs(ratio).max() < 0.1


if __name__ == "__main__":
    main()
