"""What a run would cost."""

from pathlib import Path

from serving import serve

from lfpscope.sources.download_plan import describe_plans, plan_sessions
from lfpscope.sources.probes_table import ProbeRow


def test_a_file_of_several_probes_counts_once(tmp_path: Path) -> None:
    (tmp_path / "two.nwb").write_bytes(bytes(1000))
    with serve(tmp_path) as served:
        remote = f"{served.address}/two.nwb"
        rows = [
            ProbeRow(session, f"two.{series}", "nwb", address, series)
            for session, address in (("far", remote), ("near", str(tmp_path / "two.nwb")))
            for series in ("lf0", "lf1")
        ]
        far, near = plan_sessions(rows, {}, tmp_path, stall_seconds=5, tries=1)
    assert (far.probes, far.remote, far.remote_bytes, far.there_bytes) == (2, 1, 1000, 0)
    assert (near.probes, near.remote, near.there_bytes) == (2, 0, 1000)


def test_what_is_not_known_needs_no_room_by_that(tmp_path: Path) -> None:
    silent = ProbeRow("715093703", "", "allen", "", status="unreadable", note="no answer")
    plans = plan_sessions([silent], {}, tmp_path, stall_seconds=5, tries=1)
    lines = describe_plans(plans, [silent], tmp_path).splitlines()[-2:]
    assert lines[0].endswith(f"are free where {tmp_path} is: nothing is known.")
    assert lines[1] == "Not known: 715093703: no answer"

    (tmp_path / "a.nwb").write_bytes(bytes(1000))
    rows = [silent, ProbeRow("near", "a", "nwb", str(tmp_path / "a.nwb"))]
    plans = plan_sessions(rows, {}, tmp_path, stall_seconds=5, tries=1)
    lines = describe_plans(plans, [silent], tmp_path).splitlines()[-2:]
    assert lines[0].endswith("is: enough for 0 bytes, without what is not known.")
