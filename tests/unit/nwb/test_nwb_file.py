"""Files that cannot be opened or read: each message names its own cause and remedy."""

import bz2
import gzip
import io
import lzma
import os
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from serving import serve

from lfpscope.errors import UserError
from lfpscope.nwb.file import open_nwb, reading

SCRIPTS = Path(__file__).parents[3] / "scripts"
RESTORE = "Download it again, or restore it from a copy."
Write = Callable[..., Path]


def refusal(path: Path | str) -> str:
    """What is said of a file instead of opening it: one line."""
    with pytest.raises(UserError) as raised:
        open_nwb(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert " 0x" not in message
    return message.removeprefix(f"{path}: ")


# --- what is inside -----------------------------------------------------------------------------


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.nwb", content)
    return file.getvalue()


def tarred(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("folder/"))
        archive.addfile(tarfile.TarInfo("notes.txt"))
        member = tarfile.TarInfo("a.nwb")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


UNPACK = "not an HDF5 file. Unpack it, and give the path of what was inside."
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2461003776\n"
PAGE = b'\xef\xbb\xbf\n<!DOCTYPE html>\n<html lang="de">\xc3\xbc</html>'
CONTENT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", f"an empty file. {RESTORE}"),
    "text": (
        lambda _: "µV\t1\n".encode() * 99,
        "a text file, not an HDF5 file: it starts with 'µV 1 µV 1 µV 1",
    ),
    "page": (lambda _: PAGE, "a web page, not an HDF5 file: it starts with '"),
    "zeros": (lambda whole: bytes(len(whole)), "it starts with 512 zero bytes. " + RESTORE),
    "lfs": (
        lambda _: LFS,
        "a Git LFS pointer: the file itself was not fetched. Run `git lfs pull` in its repository.",
    ),
    "annex": (
        lambda _: b"/annex/objects/MD5E-s2461003776--4d7a.nwb\n",
        "a git-annex pointer: the file itself was not fetched. Run `git annex get` in its",
    ),
    "gzip": (gzip.compress, f"compressed with gzip, {UNPACK}"),
    "bzip2": (bz2.compress, f"compressed with bzip2, {UNPACK}"),
    "xz": (lzma.compress, f"compressed with xz, {UNPACK}"),
    "zip": (zipped, f"a zip archive, {UNPACK}"),
    "tar": (tarred, f"a tar archive, {UNPACK}"),
    "other": (
        lambda _: bytes(range(1, 200)),
        r"not an HDF5 file: it starts with b'\x01\x02",
    ),
    "cut": (lambda whole: whole[:5000], f"truncated: the file ends at byte 5 000 of XX. {RESTORE}"),
    "version": (
        lambda whole: whole[:8] + b"\xff" + whole[9:],
        "its HDF5 header cannot be read (bad superblock version number): it is damaged, or",
    ),
}


@pytest.mark.parametrize("kind", CONTENT)
def test_content_that_is_no_readable_hdf5(write_nwb: Write, tmp_path: Path, kind: str) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    size = f"{path.stat().st_size:,}".replace(",", " ")
    path.write_bytes(CONTENT[kind][0](path.read_bytes()))
    assert CONTENT[kind][1].replace("XX", size) in refusal(path)


@pytest.mark.parametrize("kind", [kind for kind in CONTENT if kind != "empty"])
def test_the_same_on_a_server(write_nwb: Write, tmp_path: Path, kind: str) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    size = f"{path.stat().st_size:,}".replace(",", " ")
    path.write_bytes(CONTENT[kind][0](path.read_bytes()))
    expected = CONTENT[kind][1].replace("XX", size).removesuffix(RESTORE)
    with serve(tmp_path) as served:
        assert expected in refusal(f"{served.address}/a.nwb")


# --- what is no file ----------------------------------------------------------------------------


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.nwb").mkdir()
    assert refusal(tmp_path / "a.nwb").startswith("a folder, expected an NWB file. ")


@pytest.mark.parametrize("member", [".zgroup", "zarr.json"])
def test_a_zarr_folder(tmp_path: Path, member: str) -> None:
    (tmp_path / "a.nwb").mkdir()
    (tmp_path / "a.nwb" / member).touch()
    expected = "a Zarr folder: NWB in Zarr is not read. Export it to an NWB file in HDF5 with "
    assert refusal(tmp_path / "a.nwb").startswith(expected)


def test_a_named_pipe_a_socket_and_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith("a named pipe, expected an NWB file.")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert refusal(tmp_path / "s").startswith("a socket, expected an NWB file.")
    assert refusal("/dev/null").startswith("a device, expected an NWB file.")


def test_links(tmp_path: Path) -> None:
    (tmp_path / "a.nwb").symlink_to("gone.nwb")
    assert refusal(tmp_path / "a.nwb").startswith("a link to gone.nwb, which does not exist. ")
    (tmp_path / "b.nwb").symlink_to("b.nwb")
    assert refusal(tmp_path / "b.nwb").startswith("Too many levels of symbolic links. ")
    (tmp_path / "c.nwb").symlink_to("../.git/annex/objects/Xk/3G/MD5E-s1--4d.nwb/MD5E-s1--4d.nwb")
    expected = "its content was not fetched by git-annex. Run `git annex get` in its repository."
    assert refusal(tmp_path / "c.nwb") == expected
    assert refusal(tmp_path / "d.nwb").startswith("no such file. ")
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "e.nwb").startswith("Not a directory. Correct the location")


@pytest.mark.parametrize("mode", [0o000, 0o644])
def test_no_permission(write_nwb: Write, tmp_path: Path, mode: int) -> None:
    """Of the file itself, or of its folder."""
    path = write_nwb(tmp_path / "data/a.nwb")
    path.chmod(mode)
    path.parent.chmod(0o755 if mode == 0 else 0o000)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    if os.geteuid():
        assert "no permission to read it. Change its permissions" in refusal(path)
        path.parent.chmod(0o755)
        return
    become = "import os; os.setuid(65534)\n"  # for root, permissions do not count
    assert "no permission to read it. Change its permissions" in opened(path, become=become)


OPEN = """
import sys
from lfpscope.nwb.file import open_nwb
from lfpscope.errors import UserError
BECOME
try:
    print(sorted(open_nwb(sys.argv[1])))
except UserError as error:
    print(error)
"""


def opened(path: Path, become: str = "", **environment: str) -> str:
    """What another process says of a file."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN.replace("BECOME", become), path],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_too_many_open_files(write_nwb: Write, tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    use_up = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50)); files = []\n"
        "try:\n"
        "    while True: files.append(open('/dev/null'))\n"
        "except OSError: pass\n"
    )
    expected = "too many open files (limit 50). Raise the limit with `ulimit -n`."
    assert opened(path, become=use_up) == f"{path}: {expected}"


# --- locks and writers --------------------------------------------------------------------------


def test_a_disk_without_locks(write_nwb: Write, tmp_path: Path, nolock: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    assert opened(path, LD_PRELOAD=str(nolock)) == "['acquisition', 'general']"
    twice = "file = open_nwb(sys.argv[1])\n"  # HDF5 wants the same locking of both
    assert opened(path, become=twice, LD_PRELOAD=str(nolock)) == "['acquisition', 'general']"
    asked = opened(path, LD_PRELOAD=str(nolock), HDF5_USE_FILE_LOCKING="TRUE")
    assert asked.startswith(f"{path}: its disk has no file locks (No locks available), which ")


def test_a_file_that_another_program_writes(write_nwb: Write, tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    with h5py.File(path, "r+"):
        assert opened(path).startswith(f"{path}: another program is writing it: try again once")


@pytest.mark.parametrize("swmr", [True, False])
def test_a_file_whose_writer_was_killed(tmp_path: Path, swmr: bool) -> None:
    """HDF5 marks it as open. In SWMR mode it cannot be told from one that is still written."""
    mode = "file.swmr_mode = True\n" if swmr else ""
    code = (
        "import h5py, os, signal, sys\n"
        "file = h5py.File(sys.argv[1], 'w', libver='latest')\n"
        "file['a'] = range(1000)\n"
        f"{mode}"
        "file.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "a.nwb"
    subprocess.run([sys.executable, "-c", code, path], check=False)
    message = refusal(path)
    assert message.startswith("it was not closed by the program that wrote it, or is still being ")
    assert "run `h5clear -s` (of hdf5-tools) on a copy" in message


# --- reading ------------------------------------------------------------------------------------


def test_an_object_that_cannot_be_read_is_named(
    write_nwb: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_nwb(tmp_path / "a.nwb")

    def read(locations: h5py.Dataset) -> float:
        return float(locations.asstr()[0])

    with pytest.raises(UserError) as raised, reading(path) as nwb:
        read(nwb["general/extracellular_ephys/electrodes/location"])
    assert str(raised.value) == (
        f"{path}: /general/extracellular_ephys/electrodes/location: cannot be read "
        "(could not convert string to float: 'CA1'). See the traceback in the log."
    )
    assert "Traceback" in capsys.readouterr().err


def test_damaged_metadata_are_named(write_nwb: Write, tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb")
    with h5py.File(path) as nwb:
        start = h5py.h5o.get_info(nwb["acquisition/LFP/lfp"].id).addr
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 8)
    with pytest.raises(UserError) as raised, reading(path) as nwb:
        nwb["acquisition/LFP"]["lfp"]
    assert re.fullmatch(
        rf"{re.escape(str(path))}: /acquisition/LFP: cannot be read \(HDF5: .*\)\. {RESTORE}",
        str(raised.value),
    )
