"""What a run would cost, before it costs anything: bytes to fetch, and room for them."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from lfpscope.formatting import bytes_text, count_text
from lfpscope.io.addresses import is_remote, open_address
from lfpscope.sources.allen.tables import Listed, read_listed
from lfpscope.sources.probes_table import NO_LFP, UNREADABLE, ProbeRow, read_probes
from lfpscope.sources.sessions_table import cached_path

AT_ONCE = 4  # servers are asked for so many lengths
MAX_UNKNOWN = 20  # rows that are named
# of 2.4 hours of 93 channels in 23,808 chunks: 3.2 MB in tests/benchmarks/remote.py, and four
# chunks for checksums, which are small there
INDEX_BYTES = 3_600_000


@dataclass(frozen=True)
class Plan:
    """What a session needs, or all of them.

    Attributes
    ----------
    name : str
        The session.
    probes, no_lfp : int
        Those that can be read, and those without LFP.
    missing, missing_bytes : int
        Files to fetch, and their lengths.
    there_bytes : int
        Of files that are on a disk already.
    remote, remote_bytes : int
        Files that stay on their server, and their lengths.
    index_bytes : int
        What is read to index those on servers, and those to fetch if they stayed there too.
    """

    name: str
    probes: int
    no_lfp: int
    missing: int
    missing_bytes: int
    there_bytes: int
    remote: int
    remote_bytes: int
    index_bytes: int


def plan_sessions(
    probes: Sequence[ProbeRow],
    listed: Mapping[str, Path],
    cache: Path,
    *,
    keep: bool = False,
    stall_seconds: float,
    tries: int,
) -> list[Plan]:
    """Find out what each session needs. Servers are asked for lengths only.

    Parameters
    ----------
    probes : sequence of ProbeRow
        The table of probes.
    listed : mapping of Path
        What AllenSDK says of the probes of each session that is fetched.
    cache : Path
        Folder in which files that are made or fetched are kept.
    keep : bool
        Whether the user's files at http and https addresses are fetched into it.
    stall_seconds : float
        Without a byte for so long, and a try has failed.
    tries : int
        How often each server is asked.

    Raises
    ------
    UserError
        If a server does not tell the length of a file.
    """
    from lfpscope.io.download import size_at

    names = dict.fromkeys(one.session for one in probes)
    ok = {
        name: [one for one in probes if one.session == name and one.status == "ok"]
        for name in names
    }
    # several probes may be in one file
    addresses = {name: dict.fromkeys(one.address for one in ok[name]) for name in names}
    missing = {
        name: _missing(ok[name], read_listed(listed[name]), cache / "allen")
        if name in listed
        else []
        for name in names
    }
    kept = {name: _kept(ok[name], cache) if keep else {} for name in names}
    to_keep = {name: [a for a, path in kept[name].items() if not path.exists()] for name in names}
    remote = {
        name: [a for a in addresses[name] if is_remote(a) and a not in kept[name]] for name in names
    }
    links = {name: [*(one.link for one in missing[name]), *to_keep[name]] for name in names}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ask = partial(size_at, stall_seconds=stall_seconds, tries=tries)
        to_fetch = {name: sum(pool.map(ask, links[name])) for name in names}
        in_place = {name: sum(pool.map(_size_in_place, remote[name])) for name in names}
    return [
        Plan(
            name=name,
            probes=len(ok[name]),
            no_lfp=sum(one.session == name and one.status == NO_LFP for one in probes),
            missing=len(links[name]),
            missing_bytes=to_fetch[name],
            there_bytes=sum(
                map(_bytes_on_disk, {*addresses[name], *map(str, kept[name].values())})
            ),
            remote=len(remote[name]),
            remote_bytes=in_place[name],
            index_bytes=INDEX_BYTES * sum(bool(one.probe) for one in missing[name])
            + INDEX_BYTES * len(remote[name] + to_keep[name]),
        )
        for name in names
    ]


def _kept(probes: Sequence[ProbeRow], cache: Path) -> dict[str, Path]:
    """Addresses of the user's files that are kept, each with where."""
    addresses = dict.fromkeys(one.address for one in probes if one.source == "nwb")
    return {address: path for address in addresses if (path := cached_path(address, cache))}


def _missing(probes: Sequence[ProbeRow], listed: Sequence[Listed], folder: Path) -> list[Listed]:
    """Files to fetch: those that are wanted, and not there."""
    wanted = {"", *(one.probe for one in probes)}  # "": the session's own file
    return [
        one
        for one in listed
        if one.link and one.probe in wanted and not (folder / one.file).exists()
    ]


def _size_in_place(address: str) -> int:
    with open_address(address) as file:
        return file.size


def _bytes_on_disk(address: str) -> int:
    path = Path(address)
    return path.stat().st_size if not is_remote(address) and path.is_file() else 0


def describe_plans(plans: Sequence[Plan], unknown: Sequence[ProbeRow], cache: Path) -> str:
    """Return the plans as a table, with their sum and what else is to be known, for a person.

    Parameters
    ----------
    plans : sequence of Plan
        Of the sessions.
    unknown : sequence of ProbeRow
        Those of which nothing could be found out.
    cache : Path
        Folder in which files that are made or fetched are kept.
    """
    head = ["session", "probes", "no LFP", "to fetch", "on disk", "on servers", "index in place"]
    total = _sum(plans)
    rows = [head, *map(_cells, plans), _cells(total)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
    free = shutil.disk_usage(_existing(cache)).free
    to_fetch = bytes_text(total.missing_bytes)
    room = "enough" if free > total.missing_bytes else "NOT ENOUGH"
    known = f"{room} for {to_fetch}" if total.probes or not unknown else "nothing is known"
    more = ", without what is not known" if unknown and total.probes else ""
    lines += ["", f"{bytes_text(free)} are free where {cache} is: {known}{more}."]
    lines += [f"Not known: {_name(one)}: {one.note}" for one in unknown[:MAX_UNKNOWN]]
    if len(unknown) > MAX_UNKNOWN:
        lines.append(f"Not known: {count_text(len(unknown) - MAX_UNKNOWN, 'more row')}.")
    if total.missing:
        lines += [
            "Read in place (allen.mirror, or keep: false), nothing is kept: the index reads what",
            "the last column says, going by 2.4 hours of 93 channels in 23,808 chunks for each",
            f"file, the summary all once, {to_fetch}, and each view of samples",
            "its chunks again.",
        ]
    return "\n".join(lines)


def _name(one: ProbeRow) -> str:
    return f"{one.session}/{one.probe}" if one.probe else one.session


def _cells(plan: Plan) -> list[str]:
    return [
        plan.name,
        str(plan.probes),
        str(plan.no_lfp),
        _files(plan.missing, plan.missing_bytes),
        bytes_text(plan.there_bytes),
        _files(plan.remote, plan.remote_bytes),
        bytes_text(plan.index_bytes),
    ]


def _files(number: int, n_bytes: int) -> str:
    return f"{count_text(number, 'file')}, {bytes_text(n_bytes)}" if number else "–"


def _sum(plans: Iterable[Plan]) -> Plan:
    numbers = [field.name for field in fields(Plan) if field.name != "name"]
    plans = list(plans)
    return Plan("in all", **{name: sum(getattr(one, name) for one in plans) for name in numbers})


def _existing(folder: Path) -> Path:
    """The nearest folder that is there."""
    return next(one for one in [folder.absolute(), *folder.absolute().parents] if one.is_dir())


def plan(
    probes: Path,
    *,
    cache: Path,
    keep: bool = False,
    listed: list[Path] | None = None,
    stall_seconds: float = 60.0,
    tries: int = 5,
) -> None:
    """Print what is to be fetched, what is there, and how much room there is. Nothing is fetched.

    Parameters
    ----------
    probes : Path
        Table of probes.
    cache : Path
        Folder in which files that are made or fetched are kept.
    keep : bool
        Whether files at http and https addresses are fetched into it.
    listed : list of Path, optional
        What AllenSDK says of the probes of Allen's sessions: a table in each one's folder.
    stall_seconds : float
        Without a byte for so long, and a try has failed.
    tries : int
        How often each server is asked.
    """
    tables = {table.parent.name: table for table in listed or []}
    rows = read_probes(probes)
    plans = plan_sessions(rows, tables, cache, keep=keep, stall_seconds=stall_seconds, tries=tries)
    unknown = [one for one in rows if one.status == UNREADABLE]
    print(describe_plans(plans, unknown, cache))
