"""A real SLURM, of one node on loopback: the same results, and a job that asks for more memory.

The daemons come from Debian's packages slurm-wlm and munge. Without them the test is skipped, but
not where it must run (CI=true).
"""

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import CORRUPT, MISSING, QUICK, SESSIONS, checksums, rows

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]

DAEMONS = ("munged", "slurmctld", "slurmd")
CONFIGURATION = """\
ClusterName=loop
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# without cgroups this is what kills a job that takes more memory than it asked for
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
# for the test to look at them all at the end
MinJobAge=7200
KillWait=5
InactiveLimit=0
# jobs that start, or wait for a disk, leave processors to others
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
FOLDERS = ("results", "there")
PROFILE = (
    *("--profile", "profiles/slurm"),
    # a node without accounting, and nobody who waits
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
    *("--latency-wait", "15"),
)


def find_daemons() -> dict[str, str]:
    """Find the daemons, which may lie in folders that are not on a user's PATH."""
    path = os.pathsep.join([*os.get_exec_path(), "/usr/sbin", "/sbin"])
    found = {name: shutil.which(name, path=path) for name in DAEMONS}
    missing = [name for name, file in found.items() if file is None]
    if missing:
        reason = f"{', '.join(missing)} not installed: apt-get install slurm-wlm munge"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return {name: file for name, file in found.items() if file}


def free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def memory_of_node(slurmd: str) -> int:
    described = subprocess.run([slurmd, "-C"], capture_output=True, text=True, check=True).stdout
    return int(described.split("RealMemory=")[1].split()[0])


def start(root: Path, daemons: dict[str, str]) -> None:
    """Start munge and SLURM with everything below one folder."""
    key = root / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    host = socket.gethostname().split(".")[0]
    text = CONFIGURATION.format(
        host=host,
        user=getpass.getuser(),
        root=root,
        ports=free_ports(),
        cpus=2 * (os.cpu_count() or 1),
        memory=memory_of_node(daemons["slurmd"]),
    )
    (root / "slurm.conf").write_text(text)
    (root / "state").mkdir()
    (root / "spool").mkdir()
    # Snakemake strips SLURM_CONF from the environment of the srun inside a job: give it back
    srun = root / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={root}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    names = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log"}
    files = [f"--{option}={root}/munge.{name}" for option, name in names.items()]
    subprocess.run([daemons["munged"], "--force", *files, f"--seed-file={root}/seed"], check=True)
    environment = os.environ | {"SLURM_CONF": f"{root}/slurm.conf"}
    subprocess.run([daemons["slurmctld"]], env=environment, check=True)
    subprocess.run([daemons["slurmd"]], env=environment, check=True)


def wait_for_node(seconds: float = 30) -> None:
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        state = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
        if "idle" in state.stdout:
            return
        time.sleep(0.5)
    pytest.fail("SLURM did not come up")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start a SLURM of one node, and stop just what was started."""
    daemons = find_daemons()
    root = tmp_path_factory.mktemp("slurm")
    root.chmod(0o755)  # munge wants its socket to be reached by all
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(root / "slurm.conf"))
        patch.setenv("PATH", f"{root}/bin{os.pathsep}{os.environ['PATH']}")
        try:
            start(root, daemons)
            wait_for_node()
            yield root
        finally:
            for name in ("slurmd", "slurmctld", "munge"):
                pid = root / f"{name}.pid"
                if pid.is_file():
                    os.kill(int(pid.read_text()), signal.SIGTERM)


# rules of one job; SLURM cuts long names
SUMMARY = "average_intervals_draw_evoked_draw_probe_draw_spectrum_find_periods_..."


@pytest.mark.usefixtures("slurm")
def test_same_results_as_on_one_computer(batch):
    """The whole batch, in a second folder of results."""
    sessions = SESSIONS
    batch.sessions(*rows(sessions), table="some.tsv")
    # the first attempt at one picture gets less than it takes to draw, the second one enough
    enough = f"1000 if attempt > 1 or wildcards.session != '{sessions[0]}' else 250"
    run = batch.run(
        *("--config", "results=there", "sessions=some.tsv", *PROFILE, *QUICK),
        *("--set-resources", f"draw_session:mem_mb={enough}"),
        code=1,
        seconds=1800,
    )
    for session in sessions:
        made = checksums(batch / "there" / session)
        assert len(made) > 8
        assert made == checksums(batch / "results" / session)
    here, there = (json.loads((batch / name / "run.json").read_text()) for name in FOLDERS)
    assert here["versions"] == there["versions"]
    assert [one for one in here["probes"] if one["session"] in sessions] == there["probes"]
    for session in (CORRUPT, MISSING):
        assert f"{session}/b: unreadable: data/{session}/b.nwb" in run.output
    # short rules share a job
    probes = 2 * len(sessions) - 2
    assert Counter(sent_jobs()) == {
        ("rule_index_fetch_probe_index_probe", "COMPLETED"): probes,
        (f"rule_summary_{SUMMARY}", "COMPLETED"): probes,
        **{
            (f"rule_{rule}_wildcards_{session}", "COMPLETED"): 1
            for rule in ("list_session", "draw_session", "draw_session_evoked")
            for session in sessions
        },
        (f"rule_draw_session_wildcards_{sessions[0]}", "FAILED"): 1,
    }
    assert run.output.count("Trying to restart job") == 1
    (log,) = (batch / "logs/slurm").rglob("*.log")
    assert "Exceeded job memory limit" in log.read_text()


def sent_jobs() -> list[tuple[str, str]]:
    """Return what each job was for, and how it ended."""
    listed = subprocess.run(
        ["squeue", "--states=all", "-h", "-o", "%k|%T"], capture_output=True, text=True, check=True
    )
    return [(line.split("|")[0], line.split("|")[1]) for line in listed.stdout.splitlines()]
