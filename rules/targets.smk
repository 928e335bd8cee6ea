"""Which files there are of sessions and probes."""

import json
import os
import shlex
from functools import lru_cache
from itertools import chain
from pathlib import Path

from snakemake.exceptions import IncompleteCheckpointException, WorkflowError

from lfpscope.io.tables import read_table
from lfpscope.sources.probes_table import read_probes

# --- probes, known once list_probes has run -------------------------------------------------------


@lru_cache(maxsize=2)
def read_listed_probes(table, modified):
    """Rows of a table of probes, by session."""
    found = {}
    for one in read_probes(Path(table)):
        found.setdefault(one.session, []).append(one)
    return found


def rows_of(wildcards):
    """Rows of the table of probes by session: of the session in the wildcards, or of all."""
    table = checkpoints.list_probes.get().output[0]
    found = read_listed_probes(table, os.stat(table).st_mtime_ns)
    session = wildcards.get("session")
    return found if session is None else {session: found.get(session, [])}


def listed_probes(wildcards):
    """Probes that can be read: of the session in the wildcards, or of all."""
    return [
        one
        for rows in rows_of(wildcards).values()
        for one in rows
        if one.status == "ok"
    ]


def probe(wildcards):
    """The probe in the wildcards."""
    found = {one.probe: one for one in listed_probes(wildcards)}
    if wildcards.probe not in found:
        raise WorkflowError(
            f"session {wildcards.session} has no readable probe {wildcards.probe}; "
            f"there are {', '.join(found)}"
        )
    return found[wildcards.probe]


def once_listed(wildcards):
    """No files, but only once the probes are listed: params cannot wait for a checkpoint."""
    rows_of(wildcards)
    return []


# --- probes that are indexed, known once index_session has run --------------------------------------


@lru_cache(maxsize=None)
def read_indexed(table, modified):
    """Ids of the probes of a session that are indexed."""
    return [row["probe"] for row in read_table(Path(table)) if row["status"] == "ok"]


def indexed_probes(session):
    """Ids of the probes of a session that are indexed."""
    table = checkpoints.index_session.get(session=session).output[0]
    return read_indexed(table, os.stat(table).st_mtime_ns)


def of_listed(*names):
    """Return a function for the files of these names of all probes that can be read."""
    return lambda wildcards: [
        f"{config['results']}/{one.session}/probes/{one.probe}/{name}"
        for one in listed_probes(wildcards)
        for name in names
    ]


def of_probes(*names):
    """Return a function for the files of these names of indexed probes, of one session or of all."""
    return lambda wildcards: [
        file
        for session in sessions_with_probes(wildcards)
        for file in files_of_probes(session, names)
    ]


def files_of_probes(session, names):
    """Files of these names of the indexed probes of a session; until these are known, the table."""
    folder = f"{config['results']}/{session}"
    try:
        probes = indexed_probes(session)
    except IncompleteCheckpointException as incomplete:
        return [incomplete.targetfile]
    return [f"{folder}/probes/{one}/{name}" for one in probes for name in names]


def sessions_with_probes(wildcards):
    """Sessions that have a probe that can be read."""
    return list(dict.fromkeys(one.session for one in listed_probes(wildcards)))


def of_sessions(*names):
    """Return a function for the files of these names of all sessions that have an indexed probe."""
    return lambda wildcards: [
        file
        for session in sessions_with_probes(wildcards)
        for file in files_of_session_itself(session, names)
    ]


def files_of_session_itself(session, names):
    """Files of these names of a session; until its probes are known, their table."""
    folder = f"{config['results']}/{session}"
    try:
        probes = indexed_probes(session)
    except IncompleteCheckpointException as incomplete:
        return [incomplete.targetfile]
    return [f"{folder}/{name}" for name in names] if probes else []


def targets(*functions):
    """Return a function for the files of several functions, each once."""
    return lambda wildcards: list(
        dict.fromkeys(file for function in functions for file in function(wildcards))
    )


def INDEXED(wildcards):
    """Tables of indexed probes, of all sessions."""
    return [
        f"{config['results']}/{session}/indexed.tsv"
        for session in sessions_with_probes(wildcards)
    ]


# with spectra or without
SPECTRUM = (
    {"spectrum": "<results>/{session}/probes/{probe}/spectrum.zarr.zip"}
    if config["spectrum"]
    else {}
)
SPECTRUM_PICTURES = ("spectrum.png", "spectrum_small.png") if config["spectrum"] else ()


def spectrum_options(wildcards):
    """Options of summarize_probe for spectra.

    Not of `output`: Snakemake does not notice that a param has changed which depends on it.
    """
    if not config["spectrum"]:
        return ""
    folder = f"{config['results']}/{wildcards.session}/probes/{wildcards.probe}"
    bands, quality = json.dumps(config["bands"]), json.dumps(config["quality"])
    return shlex.join(
        [
            *("--spectrum", f"{folder}/spectrum.zarr.zip"),
            *("--bands", bands, "--quality", quality),
        ]
    )


INDEX = targets(of_probes("lfp.json"), of_sessions("session.json"))
SUMMARIES = of_probes(
    "envelope.zarr.zip",
    "channels.csv",
    "periods.csv",
    *map(os.path.basename, SPECTRUM.values()),
)
OVERVIEWS = targets(
    of_probes(
        "overview.png", "thumbnail.png", "thumbnail_levels.png", *SPECTRUM_PICTURES
    ),
    of_sessions("overview.png"),
)
EVOKED = targets(of_probes("evoked.csv", "evoked.png"), of_sessions("evoked.png"))
VERIFIED = of_probes("verified.json")
VIEWS = of_probes(*(f"views/{name}.zarr.zip" for name in config["views"]))
VIEWERS = targets(
    # it shows what the envelopes hold
    of_sessions("viewer.py", "intervals.csv", "behavior.zarr.zip"),
    SUMMARIES,
    VIEWS,
    lambda wildcards: [f"{config['results']}/lfpscope/VERSION"],
)


GALLERY = "run.json"  # is made after all files of probes and sessions
# of a probe, then of a session: a file, and one of those that are made from it
PRODUCTS = {
    "source.json": "lfp.json",
    "lfp.json": "envelope.zarr.zip",
    "envelope.zarr.zip": "overview.png",
    "channels.csv": "overview.png",
    "periods.csv": "evoked.zarr.zip",
    "thumbnail.png": "overview.png",
    "thumbnail_levels.png": "overview.png",
    "overview.png": GALLERY,
    "evoked.zarr.zip": "evoked.png",
    "evoked.csv": "evoked.png",
    "evoked.png": GALLERY,
    "verified.json": GALLERY,
}
if config["spectrum"]:
    PRODUCTS |= {
        "spectrum.zarr.zip": "spectrum.png",
        "spectrum_small.png": "spectrum.png",
        "spectrum.png": GALLERY,
    }
PRODUCTS_OF_SESSION = {
    "session.json": "viewer.py",
    "overview.png": GALLERY,
    "evoked.png": GALLERY,
    "viewer.py": GALLERY,
    "intervals.csv": GALLERY,
    "behavior.zarr.zip": GALLERY,
}


def GONE(wildcards):
    """Files that are missing though a product of theirs is there, of all sessions.

    Snakemake does not make these unless they are asked for. To ask for all files instead would make
    a dry run of 60 sessions a seventh longer (9.27, by the number of calls).
    """
    return [
        file
        for session in sessions_with_probes(wildcards)
        for file in gone_of_session(session)
    ]


def gone_of_session(session):
    """Missing files with a product; until the session's probes are known, their table."""
    folder = f"{config['results']}/{session}"
    try:
        probes = indexed_probes(session)
    except IncompleteCheckpointException as incomplete:
        return [incomplete.targetfile]
    of_probes = (gone(f"{folder}/probes/{one}", PRODUCTS) for one in probes)
    return [*chain(*of_probes), *gone(folder, PRODUCTS_OF_SESSION)]


def gone(folder, products):
    """Files in a folder that are missing though their product is there."""
    there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    if os.path.isfile(f"{config['results']}/{GALLERY}"):
        there.add(GALLERY)
    return [
        f"{folder}/{name}"
        for name, product in products.items()
        if name not in there and product in there
    ]
