"""Band-pass filters beside MNE's: equal away from the ends."""

import mne
import numpy as np

from lfpscope.signals import bandpass
from lfpscope.signals.filter import half_length

RATE = 1250.0
BANDS = [(4.0, 10.0), (0.5, None), (None, 300.0), (30.0, 80.0), (150.0, 250.0), (0.5, 300.0)]


def main() -> None:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(2, 60_000)), axis=1) * 1e-6 + 1e-5 * rng.normal(size=(2, 60_000))
    for low, high in BANDS:
        theirs = mne.filter.filter_data(
            x, RATE, low, high, method="fir", phase="zero", verbose="error"
        )
        ours = bandpass(x, RATE, low, high)
        half = half_length(RATE, low, high)
        inside = slice(half, x.shape[1] - half)
        difference = np.abs(ours - theirs)[:, inside].max() / x.std()
        print(f"{low} to {high} Hz: largest difference {difference:.2g} of the signal's SD")
        assert difference < 1e-6, (low, high)


if __name__ == "__main__":
    main()
