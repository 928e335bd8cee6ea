"""What rules are told of sessions and files: options of their programs, states of the user's files."""

import shlex
from pathlib import Path

from snakemake.exceptions import WorkflowError

from lfpscope.errors import UserError
from lfpscope.sources.sessions_table import (
    files_of_session,
    find_files,
    fingerprint,
    cached_path,
)
from lfpscope.sources.status import read_tries
from lfpscope.sources.allen.tables import session_file


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


def labels_by_hand(wildcards):
    """The table of channels that the user labelled, where there is one."""
    table = Path(config["results"], wildcards.session, "bad_channels.tsv")
    return [str(table)] if table.is_file() else []


def options(name, values):
    """An option with its values; nothing where there are none."""
    return " ".join([name, *map(shlex.quote, values)]) if values else ""


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
    path = cached_path(address, config["cache"])
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

    Isolated: else it would stand on the one that runs Snakemake, and mix them.
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
    download = config["download"]
    return f"--stall-seconds {download['stall_seconds']} --tries {download['tries']}"


def fetching(wildcards):
    """Options that say from where a probe's file is fetched, and how patiently; or none."""
    one = probe(wildcards)
    if is_fetched(one.source):
        return f"--listed {shlex.quote(listed(one.session))} {patience()}"
    if (
        config["keep"]
        and one.source == "nwb"
        and cached_path(one.address, config["cache"])
    ):
        return f"--keep {shlex.quote(config['cache'])} {patience()}"
    return ""


def row_of(wildcards):
    """What the table says of the probe in the wildcards, and from where its file is fetched."""
    one = probe(wildcards)
    return (
        f"{shlex.quote(one.address)} --source {one.source} --series={shlex.quote(one.series)} "
        f"{fetching(wildcards)}"
    )
