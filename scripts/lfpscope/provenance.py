"""The run as JSON: what was made from what, with which versions and settings.

Nothing in it tells when or into which folder, so that equal runs give equal bytes.
"""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from lfpscope.results import Result

PACKAGES = (
    "lfpscope",
    "datashader",
    "deflate",
    "h5py",
    "matplotlib",
    "numba",
    "numcodecs",
    "numpy",
    "pandas",
    "snakemake",
    "zarr",
)
"""Those that decide the bytes of the results."""


def describe_run(results: Sequence[Result], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a run.

    Parameters
    ----------
    results : sequence of Result
        Of all probes.
    settings : mapping
        The configuration.

    Returns
    -------
    dict
        ``versions``, ``settings``, and ``probes``: of each one its row in the table of probes, why
        it is not whole, the size and checksums of its source, and its figures.
    """
    versions = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    return {
        "versions": versions,
        "settings": settings,
        "probes": [_describe_probe(result) for result in results],
    }


def _describe_probe(result: Result) -> dict[str, Any]:
    figures = asdict(result.figures) if result.figures else None
    return {
        **asdict(result.row),
        "problem": result.problem,
        "log": result.log,
        "bytes": result.source,
        "figures": figures and {name: _or_null(value) for name, value in figures.items()},
    }


def _or_null(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value
