"""The run as JSON: what was made from what, with which versions and settings.

Nothing in it tells when or into which folder, so that equal runs give equal bytes.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lfpscope.doubts import doubts_from_json, doubts_to_json
from lfpscope.errors import UserError
from lfpscope.formatting import nan_if_null, null_if_nan
from lfpscope.io.tables import read_json
from lfpscope.site.results import Figures, Result
from lfpscope.sources.probes_table import ProbeRow
from lfpscope.version import VERSION

PACKAGES = (
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
        it is incomplete, its doubts, the size and checksums of its source, and its figures.
    """
    versions = {
        "python": platform.python_version(),
        "lfpscope": VERSION,
        **{name: version(name) for name in PACKAGES},
    }
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
        "doubts": doubts_to_json(result.doubts),
        "bytes": result.source,
        "figures": figures and {name: null_if_nan(value) for name, value in figures.items()},
    }


def read_run(path: Path) -> list[Result]:
    """Read what a run has made of each probe from the JSON that describes the run.

    Raises
    ------
    UserError
        If it is missing or not what `describe_run` returns.
    """
    content = read_json(path)
    try:
        return [_read_probe(one) for one in content["probes"]]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        problem = f"not the description of a run ({error!r})"
        raise UserError(f"{path}: {problem}. Delete it and run again.") from None


def _read_probe(content: Mapping[str, Any]) -> Result:
    figures = content["figures"]
    return Result(
        row=ProbeRow(**{field.name: content[field.name] for field in fields(ProbeRow)}),
        problem=content["problem"],
        log=content["log"],
        figures=figures
        and Figures(**{name: nan_if_null(value) for name, value in figures.items()}),
        source=content["bytes"],
        doubts=doubts_from_json(content["doubts"]),
    )
