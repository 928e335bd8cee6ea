"""Allen's warehouse on loopback: what AllenSDK asks of it, and the files."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from serving import Served, answer, refuse, serve

Row = dict[str, Any]
DOWNLOAD = "/api/v2/well_known_file_download/"


@dataclass
class Warehouse:
    """Tables and files, and what was asked for.

    A file's number is its probe's, or its session's.
    """

    files: Served
    tables: dict[str, list[Row]] = field(default_factory=dict)  # by model
    queries: list[str] = field(default_factory=list)
    status: int = 0  # instead of an answer to a query
    refuses: bool = False  # success: false
    seconds: float = 0.0  # of silence before an answer to a query
    times: int = -1  # how often it fails so; −1 without end

    @property
    def host(self) -> str:
        return self.files.address.removeprefix("http://")

    @property
    def downloads(self) -> list[str]:
        return [path for path, *_ in self.files.log]


@contextmanager
def open_warehouse(folder: Path, sessions: dict[str, dict[str, bool]]) -> Iterator[Warehouse]:
    """Serve sessions: for each of their probes, whether it has LFP, in ``<folder>/<probe>.nwb``.

    A session's own file is ``<folder>/<session>.nwb``.
    """
    warehouse: Warehouse

    def respond(files: Served, request: BaseHTTPRequestHandler) -> None:
        # AllenSDK writes //api, which Python's server makes /api
        path = unquote(request.path)
        if path.startswith(DOWNLOAD):
            request.path = f"/{path.removeprefix(DOWNLOAD)}.nwb"
            answer(files, request)
        elif path.startswith("/api/v2/data/query.json?"):
            reply(warehouse, request, path)
        else:
            refuse(request, 404, {})

    with serve(folder, respond) as files:
        warehouse = Warehouse(files, tables(sessions))
        yield warehouse


def reply(warehouse: Warehouse, request: BaseHTTPRequestHandler, path: str) -> None:
    warehouse.queries.append(path.partition("criteria=")[2])
    message: dict[str, Any] = {"success": False, "msg": "the database is asleep"}
    if warehouse.times and (warehouse.status or warehouse.refuses or warehouse.seconds):
        warehouse.times -= 1
        time.sleep(warehouse.seconds)
        if warehouse.status:
            return refuse(request, warehouse.status, {})
    else:
        rows = select(warehouse.tables, path)
        start, count = (int(re.search(rf"\[{name}\$eq(\d+)\]", path)[1]) for name in ROWS)
        page = rows[start : start + count]
        message = {"success": True, "id": 0, "start_row": start, "num_rows": len(page)}
        message |= {"total_rows": len(rows), "msg": page}
    body = json.dumps(message).encode()
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
    return None


ROWS = ("start_row", "num_rows")


def select(tables: dict[str, list[Row]], query: str) -> list[Row]:
    """Rows of a model that fit the conditions on its own columns."""
    rows = tables[re.search(r"model::(\w+)", query)[1]]
    for column, values in re.findall(r"\[(\w+)\$(?:in|eq)([^\]]*)\]", query):
        wanted = {value.strip(" '") for value in values.split(",")}
        if rows and column in rows[0]:
            rows = [row for row in rows if str(row[column]) in wanted]
    return rows


def tables(sessions: dict[str, dict[str, bool]]) -> dict[str, list[Row]]:
    """Make the tables, with the columns that AllenSDK reads.

    Odd sessions are of another type and genotype than even ones, and record from VISp.
    """
    found: dict[str, list[Row]] = {
        f"Ecephys{name}": [] for name in ("Session", "Probe", "Channel", "Unit")
    }
    found["WellKnownFile"] = []
    for session, probes in sessions.items():
        odd = int(session) % 2 == 1
        found["EcephysSession"].append(
            {
                "id": int(session),
                "date_of_acquisition": "2019-01-19T08:54:18Z",
                "fail_eye_tracking": False,
                "isi_experiment_id": 1,
                "published_at": "2019-10-03T00:00:00Z",
                "specimen_id": int(session) + 1,
                "stimulus_name": "brain_observatory_1.1" if odd else "functional_connectivity",
                "specimen": {
                    "donor": {
                        "sex": "F",
                        "full_genotype": "Sst-IRES-Cre/wt;Ai32/wt" if odd else None,
                        "age": {"days": 118.0},
                    }
                },
                "well_known_files": [{"well_known_file_type": {"name": "EcephysNwb"}}],
            }
        )
        found["WellKnownFile"].append(well_known(session))
        for letter, (probe, has_lfp) in zip("ABCDEF", probes.items(), strict=False):
            found["EcephysProbe"].append(
                {
                    "id": int(probe),
                    "ecephys_session_id": int(session),
                    "name": f"probe{letter}",
                    "phase": "3a",
                    "sampling_rate": 29999.95,
                    "lfp_sampling_rate": 2499.99,
                    "lfp_temporal_subsampling_factor": 2,
                    "use_lfp_data": has_lfp,
                    "air_channel_index": 370,
                    "surface_channel_index": 360,
                }
            )
            if has_lfp:
                found["WellKnownFile"].append(well_known(probe))
            for index in range(2):
                channel = {
                    "id": 10 * int(probe) + index,
                    "ecephys_probe_id": int(probe),
                    "local_index": index,
                    "probe_horizontal_position": 43,
                    "probe_vertical_position": 20 * index,
                    "anterior_posterior_ccf_coordinate": 8000,
                    "dorsal_ventral_ccf_coordinate": 3000,
                    "left_right_ccf_coordinate": 7000,
                    "ecephys_structure_id": 385,
                    "ecephys_structure_acronym": "VISp" if odd and index else "CA1",
                }
                found["EcephysChannel"].append(channel)
                unit = {"id": channel["id"] + 7, "ecephys_channel_id": channel["id"]}
                quality = {"amplitude_cutoff": 0.01, "presence_ratio": 0.99}
                quality |= {"isi_violations": 0.01, "quality": "good"}
                found["EcephysUnit"].append(unit | quality)
    return found


def well_known(number: str) -> Row:
    link = {"id": int(number), "download_link": f"{DOWNLOAD}{number}"}
    return link | {"attachable_id": int(number)}
