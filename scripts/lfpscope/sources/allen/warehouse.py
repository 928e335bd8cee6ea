"""Allen's warehouse, asked through AllenSDK. For AllenSDK's own environment only.

AllenSDK is taken as it is, but for two things: it asks without a time-out, and would wait for a
silent server without a time limit; and it fetches files straight to their final name. Here it
finds out where a file is, and `io.download` fetches it.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import requests
from allensdk.brain_observatory.ecephys.ecephys_project_api import rma_engine
from allensdk.brain_observatory.ecephys.ecephys_project_cache import EcephysProjectCache

from lfpscope.io.http import CONNECT_TIMEOUT_S, TryAgainError, reason, retry
from lfpscope.io.locks import file_lock
from lfpscope.sources.allen.tables import Listed, probes_of, read_csv, session_file
from lfpscope.sources.sessions_table import SessionRow

Answer = TypeVar("Answer")


def open_warehouse(
    folder: Path, *, scheme: str = "", host: str = "", stall_seconds: float = 60.0
) -> Any:
    """Open AllenSDK's cache; nothing is asked yet.

    Parameters
    ----------
    folder : Path
        Its folder. `manifest.json` is written there if it is missing.
    scheme, host : str
        Of the warehouse; AllenSDK's own where empty.
    stall_seconds : float
        Without a byte for so long, and a query has failed.

    Returns
    -------
    EcephysProjectCache
    """
    timeout = (CONNECT_TIMEOUT_S, stall_seconds)
    rma_engine.requests = SimpleNamespace(get=partial(requests.get, timeout=timeout))
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.json"
    server = {"scheme": scheme, "host": host} if host else {}
    with file_lock(manifest):  # AllenSDK writes it in place
        cache = EcephysProjectCache.from_warehouse(manifest=manifest, **server)
    engine = cache.fetch_api.rma_engine
    engine.stream = lambda link: f"{engine.scheme}://{engine.host}/{link.lstrip('/')}"
    return cache


def list_probes(
    cache: Any, session: SessionRow, *, folder: Path, own_file: bool, tries: int
) -> list[Listed]:
    """List the probes of a session, and where their files are fetched from.

    Where the folder holds AllenSDK's `probes.csv`, the warehouse is only asked for files that are
    missing. Else it is one query for the session, and one for each probe with LFP; and one for the
    session's own file, where that is wanted.

    Raises
    ------
    UserError
        If the session is unknown, or the warehouse does not answer.
    """
    known = (folder / "probes.csv").is_file()
    if known:
        origin, rows = str(folder / "probes.csv"), read_csv(str(folder), "probes.csv")
    else:
        origin = cache.fetch_api.rma_engine.host
        rows = _probes(cache, session.session, tries)
    found = []
    for probe in probes_of(session, rows, origin):
        ids = int(session.session), int(probe.probe)
        path = cache.get_cache_path(None, cache.PROBE_LFP_NWB_KEY, *ids)
        listed = replace(probe, file=os.path.relpath(path, folder))
        there = known and (folder / listed.file).is_file()
        found.append(listed if there or listed.has_lfp == "no" else _linked(cache, listed, tries))
    if own_file:
        own = Listed("", "session", has_lfp="no", file=session_file(session.session))

        def query() -> str:
            link: str = cache.fetch_api.get_session_data(int(session.session))
            return link

        there = (folder / own.file).is_file()
        found.append(own if there else replace(own, link=_ask(cache, query, tries)))
    return found


def list_sessions(cache: Any, *, tries: int) -> list[dict[str, Any]]:
    """List all sessions: one query."""

    def query() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = cache.fetch_api.get_sessions().reset_index().to_dict("records")
        return rows

    return _ask(cache, query, tries)


def session_areas(cache: Any, session: str, *, tries: int) -> set[str]:
    """Brain areas of a session's channels: two queries."""
    probes = [int(row["id"]) for row in _probes(cache, session, tries)]
    if not probes:
        return set()
    channels = _ask(cache, lambda: cache.fetch_api.get_channels(probe_ids=probes), tries)
    return set(channels["ecephys_structure_acronym"].dropna())


def _probes(cache: Any, session: str, tries: int) -> list[dict[str, Any]]:
    def query() -> list[dict[str, Any]]:
        try:
            table = cache.fetch_api.get_probes(session_ids=[int(session)])
        except KeyError:  # AllenSDK looks for the column `id` in no rows
            return []
        rows: list[dict[str, Any]] = table.reset_index().to_dict("records")
        return rows

    return _ask(cache, query, tries)


def _linked(cache: Any, probe: Listed, tries: int) -> Listed:
    """Add where a probe's file is fetched from."""
    try:
        link = _ask(cache, lambda: cache.fetch_api.get_probe_lfp_data(int(probe.probe)), tries)
    except ValueError:  # AllenSDK expects exactly one
        note = "the warehouse has no LFP file of it, or several, although it says that it has LFP"
        return replace(probe, note=note)
    return replace(probe, link=link)


def _ask(cache: Any, query: Callable[[], Answer], tries: int) -> Answer:
    """Ask the warehouse until it answers."""

    def ask() -> Answer:
        try:
            return query()
        except rma_engine.RmaRequestError as error:
            raise TryAgainError(reason(error)) from None

    # JSON that is none, as of a page, is one of requests' exceptions too
    what = f"{cache.fetch_api.rma_engine.host}: no answer"
    remedy = "Run again later, or give a copy of the files: allen.mirror in the configuration."
    return retry(ask, tries, what, remedy)
