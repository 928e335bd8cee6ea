"""Which stored values are plausible potentials."""

import numpy as np
import numpy.typing as npt

from lfpscope.references.model import ProbeReferences


def plausible_values(references: ProbeReferences, limit: float) -> npt.NDArray[np.float64]:
    """Smallest and largest stored value of each channel within a limit in volts.

    Returns
    -------
    ndarray of float64, shape (2, n_channels)
        Finite, so that infinity is beyond them.
    """
    most = np.finfo(np.float64).max
    with np.errstate(divide="ignore", over="ignore"):
        ends = (np.array([[-limit], [limit]]) - references.add) / references.scale
    ends = np.where(references.scale == 0, [[-most], [most]], np.sort(ends, axis=0))
    return np.clip(ends, -most, most)
