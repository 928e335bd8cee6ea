"""kerchunk's own translation of a series, as a program of its own: it may never end.

It can deadlock inside h5py (https://github.com/zarr-developers/VirtualiZarr/issues/1072), so
`lfpscope.verify.checks` gives it a process and a time-out.
"""

import json
import sys
import warnings
from typing import Any


def translate(address: str, series: str) -> dict[str, Any]:
    """Translate a series of a local file.

    Parameters
    ----------
    address : str
        Path of the file.
    series : str
        Path of the series in the file.

    Returns
    -------
    dict
        Of its data alone: ``.zarray`` as JSON text and ``i.j → [address, offset, size]``, in the
        order of axes of the file. Empty where kerchunk leaves them out.
    """
    import h5py
    from kerchunk.hdf import SingleHdf5ToZarr

    warnings.simplefilter("ignore")  # it warns of all that it leaves out
    with h5py.File(address, "r") as nwb:
        name = nwb[series].name.lstrip("/") + "/data/"
        translator = SingleHdf5ToZarr(nwb[series], address, inline_threshold=0)
        refs = translator.translate()["refs"]
    return {key.removeprefix(name): ref for key, ref in refs.items() if key.startswith(name)}


if __name__ == "__main__":
    print(json.dumps(translate(*sys.argv[1:])))
