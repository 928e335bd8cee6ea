"""The sessions table, the configuration's check, and functions that rules ask for files."""

import gc
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import IncompleteCheckpointException, WorkflowError
from snakemake.utils import validate

# What Snakemake makes, it keeps: looking for garbage among it, again and again as it grows, takes a
# tenth of a dry run of 60 sessions
gc.freeze()
gc.set_threshold(50_000)

# `python` in a rule is the one that runs Snakemake, whether or not its environment is active
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
# lfpscope is the one beside this file, in a copy of the workflow too
sys.path.insert(0, str(Path(workflow.basedir, "scripts")))

from lfpscope.files import UserError
from lfpscope.sources.allen_tables import session_file
from lfpscope.sources.tables import (
    check_secrets,
    files_of_session,
    find_files,
    kept_at,
    read_probes,
    read_rows,
    read_sessions,
)

# --- configuration --------------------------------------------------------------------------------


def give_types(config):
    """Mend what --config does to values: a path like 2024 is an int, a number inside {} a str."""
    for key, value in config.items():
        if isinstance(value, dict):
            config[key] = {name: number(text) for name, text in value.items()}
        elif value in ("true", "false"):
            config[key] = number(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            config[key] = str(value)


def number(text):
    """A number or a truth value, if a text is one."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        with suppress(ValueError, TypeError):
            return kind(text) if isinstance(text, str) else text
    return text


def check_settings(settings):
    """Fill in defaults; where the settings do not fit their schema, say how in one line."""
    try:
        validate(settings, "../config/schemas/config.schema.yaml")
    except WorkflowError as error:
        raise UserError(f"configuration: {what_is_wrong(error.__context__)}") from None
    allen = settings["allen"]
    if bool(allen["scheme"]) != bool(allen["host"]):
        raise UserError(
            "configuration: one of allen.scheme and allen.host is missing; expected both or none"
        )
    check_secrets(allen["mirror"] or "", "configuration: allen.mirror")


def check_row(row, where):
    """Where a row of the sessions table does not fit its schema, say how in one line."""
    error = next(schema_of_rows().iter_errors(row), None)
    if error:
        raise UserError(f"{where}: {what_is_wrong(error)}")


@cache  # read once, not for each row, as by Snakemake's validate
def schema_of_rows():
    path = Path(workflow.basedir, "config", "schemas", "sessions.schema.yaml")
    return Draft202012Validator(yaml.safe_load(path.read_text()))


def what_is_wrong(error):
    """Say in a line what a ValidationError of jsonschema is about."""
    key = ".".join(map(str, error.absolute_path))
    known = error.schema.get("properties", {})
    if error.validator == "additionalProperties":
        unknown = ", ".join(str(name) for name in error.instance if name not in known)
        return f"unknown key {unknown} in {key or 'it'}; known are {', '.join(known)}"
    if error.validator == "required":
        name = next(
            name for name in error.validator_value if name not in error.instance
        )
        return f"{name} is missing; expected {known[name]['description']}"
    return f"{key} is {error.instance!r}; expected {error.schema['description']}"


def sessions_table(path):
    """Read the sessions table and find their files, all checked."""
    for where, row in read_rows(path):
        check_row(row, where)
    sessions = read_sessions(path)
    return {session.session: (session, find_files(session)) for session in sessions}


try:
    give_types(config)
    check_settings(config)
    config["results"] = os.path.normpath(config["results"])
    SESSIONS = sessions_table(Path(config["sessions"]))
except UserError as error:
    sys.exit(f"error: {error}")


wildcard_constraints:
    session="|".join(map(re.escape, SESSIONS)),
    probe="[A-Za-z0-9][A-Za-z0-9._-]*",


# --- code -----------------------------------------------------------------------------------------

HOUSE = Path(os.path.relpath(workflow.basedir))  # seen from where Snakemake works


def script(rule):
    """A rule's program."""
    return str(HOUSE / "scripts" / f"{rule}.py")


def library(rule):
    """Checksum of all modules of the library that a rule's program imports, also by way of others.

    Snakemake does not see imports; as a param, a change in one reruns what uses it. As inputs, a
    dozen files for each job, they would make a dry run of 60 sessions a third slower.
    """
    found, todo = set(), [script(rule)]
    while todo:
        new = imports(todo.pop()) - found
        found |= new
        todo += new
    return checksum(found)


def checksum(files):
    """Checksum of what is in files."""
    contents = b"".join(Path(file).read_bytes() for file in sorted(files))
    return sha256(contents).hexdigest()[:12]


IMPORTS = re.compile(
    r"^\s*(?:import (lfpscope[\w.]*)|from (lfpscope[\w.]*) import (\([^)]*\)|.*))",
    re.MULTILINE,
)


@cache
def imports(path):
    """Files of the library that a Python file imports."""
    names = set()
    # a pattern is enough, and ten times as fast as Python's parser
    for package, module, rest in IMPORTS.findall(Path(path).read_text()):
        names |= {package or module}
        names |= {f"{module}.{name}" for name in re.findall(r"\w+", rest)}
    ours = (HOUSE / "scripts" / name.replace(".", "/") for name in names)
    files = (
        file
        for stem in ours
        for file in (stem.with_suffix(".py"), stem / "__init__.py")
    )
    return {str(file) for file in files if file.is_file()}


def whole_library():
    """Checksum of all modules of the library."""
    return checksum((HOUSE / "scripts" / "lfpscope").rglob("*.py"))


def templates():
    """Checksum of what the gallery is made from, beside its module."""
    return checksum((HOUSE / "scripts" / "lfpscope" / "templates").iterdir())


# --- probes, known once list_probes has run -------------------------------------------------------


@lru_cache(maxsize=2)
def readable(table, modified):
    """Probes of a table that can be read, by session and id."""
    found = {}
    for one in read_probes(Path(table)):
        if one.status == "ok":
            found.setdefault(one.session, {})[one.probe] = one
    return found


def by_session(wildcards):
    """Probes that can be read, by session and id: of the session in the wildcards, or of all."""
    table = checkpoints.list_probes.get().output[0]
    found = readable(table, os.stat(table).st_mtime_ns)
    session = wildcards.get("session")
    return found if session is None else {session: found.get(session, {})}


def probes(wildcards):
    """Probes that can be read: of the session in the wildcards, or of all."""
    return [one for found in by_session(wildcards).values() for one in found.values()]


def probe(wildcards):
    """The probe in the wildcards."""
    found = by_session(wildcards)[wildcards.session]
    if wildcards.probe not in found:
        raise WorkflowError(
            f"session {wildcards.session} has no readable probe {wildcards.probe}; "
            f"there are {', '.join(found)}"
        )
    return found[wildcards.probe]


def nwb_of(wildcards):
    """The NWB file of a probe, where it is the user's and on disk."""
    one = probe(wildcards)
    users = one.source == "nwb" or (one.source == "allen" and config["allen"]["mirror"])
    return [one.address] if users and "://" not in one.address else []


def nwb_files(wildcards):
    """NWB files that the sessions table names, for a session or for all, as far as they exist."""
    session = wildcards.get("session")
    rows = SESSIONS.values() if session is None else [SESSIONS[session]]
    return [file for _, files in rows for file in files if Path(file).is_file()]


def files_with_intervals(wildcards):
    """Files that may hold a session's intervals: those it names, or its probes', and beside them."""
    session = wildcards.session
    _, named = SESSIONS[session]
    addresses = [one.address for one in probes(wildcards)]
    own = str(Path(config["cache"], "allen", session_file(session)))
    fetched = [own] if own_is_fetched(session) else []
    files = [
        kept(file) if file in addresses else file
        for file in files_of_session([*named, *addresses])
    ]
    return list(dict.fromkeys([*files, *fetched]))


# --- files at https addresses ---------------------------------------------------------------------


def is_kept(session):
    """Tell whether files of a session are at https addresses and fetched into the cache."""
    return config["keep"] and any(
        kept_at(file, config["cache"]) for file in SESSIONS[session][1]
    )


def kept(address):
    """Where a file of the user's is read: in the cache, if it is kept there."""
    path = kept_at(address, config["cache"]) if config["keep"] else None
    return str(path or address)


# --- Allen's sessions -----------------------------------------------------------------------------


def is_fetched(session):
    """Tell whether the files of a session are Allen's and fetched into the cache."""
    return SESSIONS[session][0].source == "allen" and not config["allen"]["mirror"]


def own_is_fetched(session):
    """Tell whether Allen's own file of a session is fetched into the cache."""
    return is_fetched(session) and config["allen"]["session_nwb"]


def own_source(wildcards):
    """What is noted of Allen's own file of a session, where it is fetched."""
    session = wildcards.session
    return (
        [f"{config['results']}/{session}/source.json"]
        if own_is_fetched(session)
        else []
    )


def listed(session):
    """What AllenSDK says of a session's probes."""
    return f"{config['results']}/{session}/allen.tsv"


def listed_sessions(wildcards):
    """What AllenSDK says of the probes of all sessions that are fetched."""
    return [listed(session) for session in SESSIONS if is_fetched(session)]


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
        f"--{name.replace('_', '-')}={shlex.quote(value)}" for name, value in wanted
    )


def patience():
    """Options that say how long to wait for a server, and how often."""
    allen = config["allen"]
    return f"--stall-seconds {allen['stall_seconds']} --tries {allen['tries']}"


def fetching(session):
    """Options that say from where a session's files are fetched, and how patiently; or none."""
    if is_fetched(session):
        return f"--listed {shlex.quote(listed(session))} {patience()}"
    if is_kept(session):
        return f"--keep {shlex.quote(config['cache'])} {patience()}"
    return ""


def row_of(wildcards):
    """What the table says of the probe in the wildcards, and from where its file is fetched."""
    one = probe(wildcards)
    return (
        f"{shlex.quote(one.address)} --source {one.source} --series={shlex.quote(one.series)} "
        f"{fetching(wildcards.session)}"
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


# --- the pace ---------------------------------------------------------------------------------------


def start_without_pace():
    """Let jobs on this computer start whenever there is room; only clusters need a pace.

    To keep to one, Snakemake looks for jobs again a second after each look, and each job that ends
    adds a look: after some hundred jobs that takes a processor of its own
    (snakemake/snakemake#3744). No option turns it off.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


# --- the gallery ----------------------------------------------------------------------------------


def settings():
    """The configuration as JSON, without the folder of results, in which it will stand."""
    return json.dumps({key: config[key] for key in config if key != "results"})


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
    subprocess.run([sys.executable, script("check_run"), run], check=False)
    if something_is_missing():
        # with it Snakemake would take all that goes into it as done
        run.unlink(missing_ok=True)


def something_is_missing():
    """Tell whether a file is not there that goes into the gallery."""
    try:
        return bool(missing({}))
    except IncompleteCheckpointException:  # the probes have not been listed
        return True


# --- targets --------------------------------------------------------------------------------------


def drawing_memory(wildcards, input, attempt):
    """MB that grow with the probes drawn, and with the channels of the largest of them."""
    tables = [input.channels] if isinstance(input.channels, str) else input.channels
    # a line is a channel; where a table is still missing, Snakemake asks again later
    n_channels = max(sum(1 for _ in open(table)) for table in tables)
    return (600 + 100 * len(tables) + round(0.35 * n_channels)) * attempt


def of_probes(*names):
    """Return a function for the files of these names of all probes, or of one session's."""
    return lambda wildcards: [
        f"{config['results']}/{one.session}/probes/{one.probe}/{name}"
        for one in probes(wildcards)
        for name in names
    ]


def of_sessions(*names):
    """Return a function for the files of these names of all sessions that have a probe."""
    return lambda wildcards: [
        f"{config['results']}/{session}/{name}"
        for session in dict.fromkeys(one.session for one in probes(wildcards))
        for name in names
    ]


def targets(*functions):
    """Return a function for the files of several functions."""
    return lambda wildcards: [
        file for function in functions for file in function(wildcards)
    ]


def missing(wildcards):
    """Files of all probes and sessions that are not there."""
    files = targets(SOURCES, INDEX, OVERVIEWS, VERIFIED, VIEWERS)(wildcards)
    return [file for file in files if not os.path.exists(file)]


SOURCES = of_probes("source.json", "lfp.json")
INDEX = of_sessions("session.json")
SUMMARIES = of_probes("envelope.zarr.zip", "channels.csv")
OVERVIEWS = targets(
    of_probes("overview.png", "thumbnail.png"), of_sessions("overview.png")
)
VERIFIED = of_probes("verified.json")
VIEWERS = targets(
    of_sessions("viewer.py", "intervals.csv"), SUMMARIES
)  # it shows what the envelopes hold
