"""What a run would cost, before it costs anything: bytes to fetch, and room for them."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lfpscope.addresses import is_remote
from lfpscope.sources.allen_tables import read_listed
from lfpscope.sources.tables import NO_LFP, Probe

AT_ONCE = 4  # servers are asked for so many lengths
INDEX_BYTES = 2.8e6  # of 2.4 hours of 93 channels in 23,808 chunks: tests/benchmarks/remote.py
CLOCK_BYTES = 56e6


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
    remote : int
        Files that stay on their server.
    """

    name: str
    probes: int
    no_lfp: int
    missing: int
    missing_bytes: int
    there_bytes: int
    remote: int


def plan_sessions(
    probes: Sequence[Probe],
    listed: Mapping[str, Path],
    *,
    stall_seconds: float,
    tries: int,
) -> list[Plan]:
    """Find out what each session needs. Servers are asked for lengths only.

    Parameters
    ----------
    probes : sequence of Probe
        The table of probes.
    listed : mapping of Path
        What AllenSDK says of the probes of each session that is fetched.
    stall_seconds : float
        Without a byte for so long, and a try has failed.
    tries : int
        How often each server is asked.

    Raises
    ------
    UserError
        If a server does not tell the length of a file.
    """
    from lfpscope.downloads import size_at

    links = {
        (session, one.probe): one.link
        for session, table in listed.items()
        for one in read_listed(table)
    }
    missing = [
        links[one.session, one.probe]
        for one in probes
        if one.status == "ok" and _is_missing(one, links)
    ]
    ask = partial(size_at, stall_seconds=stall_seconds, tries=tries)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sizes = dict(zip(missing, pool.map(ask, missing), strict=True))
    sessions = dict.fromkeys(one.session for one in probes)
    return [
        _plan(name, [one for one in probes if one.session == name], links, sizes)
        for name in sessions
    ]


def _is_missing(probe: Probe, links: Mapping[tuple[str, str], str]) -> bool:
    return bool(links.get((probe.session, probe.probe))) and not Path(probe.address).exists()


def _plan(
    name: str,
    probes: Sequence[Probe],
    links: Mapping[tuple[str, str], str],
    sizes: Mapping[str, int],
) -> Plan:
    ok = [one for one in probes if one.status == "ok"]
    missing = [one for one in ok if _is_missing(one, links)]
    there = [Path(one.address) for one in ok if not is_remote(one.address)]
    return Plan(
        name=name,
        probes=len(ok),
        no_lfp=sum(one.status == NO_LFP for one in probes),
        missing=len(missing),
        missing_bytes=sum(sizes[links[one.session, one.probe]] for one in missing),
        there_bytes=sum(path.stat().st_size for path in there if path.is_file()),
        remote=sum(is_remote(one.address) for one in ok),
    )


def describe_plans(plans: Sequence[Plan], cache: Path) -> str:
    """Return the plans as a table, with their sum and what else is to be known, for a person."""
    head = ["session", "probes", "no LFP", "to fetch", "", "on disk", "on servers"]
    rows = [head, *(_cells(one) for one in plans), _cells(_sum(plans))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
    total = _sum(plans)
    free = shutil.disk_usage(_existing(cache)).free
    room = "enough" if free > total.missing_bytes else "NOT ENOUGH"
    lines += [
        "",
        f"{_size(free)} are free where {cache} is: {room} for {_size(total.missing_bytes)}.",
    ]
    if total.missing:
        index, clock = _size(total.missing * INDEX_BYTES), _size(total.missing * CLOCK_BYTES)
        lines += [
            "In place (allen.mirror) none of it is kept, and the summary reads each byte once. The",
            f"index reads {index} before, and the summary {clock} of timestamps besides, going by",
            "2.4 hours of 93 channels in 23,808 chunks for each probe.",
        ]
    return "\n".join(lines)


def _cells(plan: Plan) -> list[str]:
    counts = [plan.probes, plan.no_lfp, plan.missing]
    fetch, there = _size(plan.missing_bytes), _size(plan.there_bytes)
    return [plan.name, *map(str, counts), fetch, there, str(plan.remote)]


def _sum(plans: Iterable[Plan]) -> Plan:
    numbers = ("probes", "no_lfp", "missing", "missing_bytes", "there_bytes", "remote")
    plans = list(plans)
    return Plan("in all", **{name: sum(getattr(one, name) for one in plans) for name in numbers})


def _existing(folder: Path) -> Path:
    """The nearest folder that is there."""
    return next(one for one in [folder.absolute(), *folder.absolute().parents] if one.is_dir())


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.2f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:,.1f} MB"
