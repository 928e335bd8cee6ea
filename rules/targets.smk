"""Which files there are of sessions and probes, and functions that rules ask for them."""

import json
import os
import shlex
import subprocess
import sys
from functools import lru_cache
from itertools import chain
from pathlib import Path

from snakemake.exceptions import IncompleteCheckpointException, WorkflowError

from lfpscope.io.files import UserError, read_table
from lfpscope.sources.allen.tables import session_file
from lfpscope.sources.tables import (
    files_of_session,
    find_files,
    fingerprint,
    kept_at,
    read_probes,
)
from lfpscope.sources.status import read_tries

# --- the row of a session -------------------------------------------------------------------------


def session_row(wildcards):
    """The row of the session in the wildcards."""
    found = sessions().get(wildcards.session)
    if found is None:
        raise WorkflowError(
            f"{config['sessions']} has no session {wildcards.session}; "
            f"there are {', '.join(sessions())}"
        )
    return found


def row_options(wildcards):
    """Options that say what the table has of a session."""
    row = session_row(wildcards)
    values = {
        "source": row.source,
        "location": row.location,
        "keep": ",".join(row.probes),
        "series": row.series,
        "problem": row.problem,
    }
    given = [
        f"--{name}={shlex.quote(value)}" for name, value in values.items() if value
    ]
    return " ".join([row.session, *given])


def state_of_files(wildcards):
    """Checksum of names, sizes and times of the files that a row names."""
    try:
        return fingerprint(find_files(session_row(wildcards)))
    except UserError:  # the job says it
        return ""


def listings(wildcards):
    """Tables of the probes of each session; of none in a job, which takes the one of all as it is.

    So jobs of a batch go on while the table of sessions is being edited.
    """
    names = sessions() if workflow.is_main_process else []
    return [f"{config['results']}/{name}/probes.tsv" for name in names]


def failures_of(path):
    """Return a function for how often the step that writes this file has failed."""
    return lambda wildcards: read_tries(
        Path(config["results"], path.format(**wildcards))
    )


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


def spectrum_options(wildcards, output):
    """Options of summarize_probe for spectra."""
    if not config["spectrum"]:
        return ""
    bands, quality = json.dumps(config["bands"]), json.dumps(config["quality"])
    return shlex.join(
        ["--spectrum", output.spectrum, "--bands", bands, "--quality", quality]
    )


SOURCES = of_listed("source.json")
INDEX = targets(of_probes("lfp.json"), of_sessions("session.json"))
SUMMARIES = of_probes(
    "envelope.zarr.zip", "channels.csv", *map(os.path.basename, SPECTRUM.values())
)
OVERVIEWS = targets(
    of_probes("overview.png", "thumbnail.png", *SPECTRUM_PICTURES),
    of_sessions("overview.png"),
)
VERIFIED = of_probes("verified.json")
VIEWERS = targets(
    of_sessions("viewer.py", "intervals.csv"), SUMMARIES
)  # it shows what the envelopes hold


GALLERY = "run.json"  # is made after all files of probes and sessions
# of a probe, then of a session: a file, and one of those that are made from it
PRODUCTS = {
    "source.json": "lfp.json",
    "lfp.json": "envelope.zarr.zip",
    "envelope.zarr.zip": "overview.png",
    "channels.csv": "overview.png",
    "thumbnail.png": "overview.png",
    "overview.png": GALLERY,
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
    "viewer.py": GALLERY,
    "intervals.csv": GALLERY,
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


# --- files that are not made by rules ---------------------------------------------------------------


def is_users(one):
    """Tell whether the file of a probe is the user's, and on disk."""
    users = one.source == "nwb" or (one.source == "allen" and config["allen"]["mirror"])
    return bool(users) and "://" not in one.address


def state_of_file(wildcards):
    """Checksum of name, size and time of a probe's file, where it is the user's and on disk."""
    one = probe(wildcards)
    return fingerprint([one.address]) if is_users(one) else ""


def files_with_intervals(wildcards):
    """Files that may hold a session's intervals: all those found for it, and those beside them."""
    session = wildcards.session
    rows = rows_of(wildcards)[session]
    found = [one.address for one in rows if one.status != "unreadable" and one.address]
    files = [
        kept(file) if config["keep"] else file
        for file in files_of_session(dict.fromkeys(found))
    ]
    own = str(Path(config["cache"], "allen", session_file(session)))
    fetched = [own] if own_is_fetched(wildcards) else []
    return list(dict.fromkeys([*files, *fetched]))


def state_of_files_with_intervals(wildcards):
    """Checksum of names, sizes and times of the user's files that may hold intervals."""
    found = rows_of(wildcards)[wildcards.session]
    return fingerprint(dict.fromkeys(one.address for one in found if is_users(one)))


def kept(address):
    """Where a file of the user's is read: in the cache, if it is kept there."""
    path = kept_at(address, config["cache"])
    return str(path) if path else address


# --- Allen's sessions -----------------------------------------------------------------------------


def is_fetched(source):
    """Tell whether files of a source are Allen's and fetched into the cache."""
    return source == "allen" and not config["allen"]["mirror"]


def own_is_fetched(wildcards):
    """Tell whether Allen's own file of a session is fetched into the cache."""
    rows = rows_of(wildcards)[wildcards.session]
    return (
        any(is_fetched(one.source) for one in rows) and config["allen"]["session_nwb"]
    )


def own_source(wildcards):
    """What is noted of Allen's own file of a session, where it is fetched."""
    if not own_is_fetched(wildcards):
        return []
    return [f"{config['results']}/{wildcards.session}/source.json"]


def listed(session):
    """What AllenSDK says of a session's probes."""
    return f"{config['results']}/{session}/allen.tsv"


def has_listed(row):
    """Tell whether AllenSDK is asked for the probes of a row of the sessions table."""
    return is_fetched(row.source) and not row.problem


def listed_session(wildcards):
    """What AllenSDK says of the probes of a session, where it is asked."""
    return [listed(wildcards.session)] if has_listed(session_row(wildcards)) else []


def listed_sessions(wildcards):
    """What AllenSDK says of the probes of all sessions for which it is asked."""
    return [listed(name) for name, row in sessions().items() if has_listed(row)]


def allensdk(*options):
    """Command of Python in AllenSDK's own environment, which uv makes from exact pins.

    Isolated: else it would stand upon the one that runs Snakemake, and mix them.
    """
    pins = shlex.quote(str(HOUSE / "envs" / "allensdk.txt"))
    run = ["uv", "run", *options, "--isolated", "--no-project", "--python", "3.11"]
    return " ".join([*run, "--with-requirements", pins, "python"])


def warehouse():
    """Options that name the warehouse; none for AllenSDK's own."""
    scheme, host = config["allen"]["scheme"], config["allen"]["host"]
    return f"--scheme {scheme} --host {shlex.quote(host)}" if host else ""


def selection():
    """Options that say which of Allen's sessions to take."""
    wanted = config["allen"]["select"].items()
    return " ".join(
        f"--{name.replace('_', '-')}={shlex.quote(value)}"
        for name, value in wanted
        if value
    )


def patience():
    """Options that say how long to wait for a server, and how often."""
    allen = config["allen"]
    return f"--stall-seconds {allen['stall_seconds']} --tries {allen['tries']}"


def fetching(wildcards):
    """Options that say from where a probe's file is fetched, and how patiently; or none."""
    one = probe(wildcards)
    if is_fetched(one.source):
        return f"--listed {shlex.quote(listed(one.session))} {patience()}"
    if config["keep"] and one.source == "nwb" and kept_at(one.address, config["cache"]):
        return f"--keep {shlex.quote(config['cache'])} {patience()}"
    return ""


def row_of(wildcards):
    """What the table says of the probe in the wildcards, and from where its file is fetched."""
    one = probe(wildcards)
    return (
        f"{shlex.quote(one.address)} --source {one.source} --series={shlex.quote(one.series)} "
        f"{fetching(wildcards)}"
    )


def options(name, values):
    """An option with its values; nothing where there are none."""
    return " ".join([name, *map(shlex.quote, values)]) if values else ""


# --- resources ------------------------------------------------------------------------------------


def growing(start, per_megabyte):
    """Return a function for a resource that follows the size of the references and the attempt.

    One megabyte of references stands for about two gigabytes of LFP.
    """
    return lambda wildcards, input, attempt: round(
        attempt * (start + per_megabyte * os.path.getsize(input.references) / 1e6)
    )


def drawing_memory(wildcards, input, attempt):
    """MB that grow with the probes drawn, and with the channels of the largest of them."""
    tables = [input.channels] if isinstance(input.channels, str) else input.channels
    # a line is a channel; where a table is still missing, Snakemake asks again later
    n_channels = max(sum(1 for _ in open(table)) for table in tables)
    return (600 + 100 * len(tables) + round(0.35 * n_channels)) * attempt


# --- the gallery ----------------------------------------------------------------------------------


LAST_LINES = Path("logs", "check_run.log")  # there if the last check ran


def show_what_exists():
    """Write the gallery although something failed, and print what is incomplete or uncertain."""
    results = Path(config["results"])
    if LAST_LINES.is_file():
        print(LAST_LINES.read_text(), end="")
        return
    if not (results / "probes.tsv").is_file():
        return
    run = results / "run.json"
    files = [results / "probes.tsv", "--page", results / "index.html"]
    files += ["--run", run, "--checked", results / "checked.tsv"]
    files += ["--settings", settings()]
    subprocess.run([sys.executable, script("write_gallery"), *files], check=False)
    check = [script("check_run"), run, "--complete", results / "complete.txt"]
    subprocess.run([sys.executable, *check], check=False)
