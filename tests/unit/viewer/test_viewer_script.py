"""The program that the pipeline writes for a session."""

import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import metadata, packages_distributions, version
from pathlib import Path

import pytest
import requests
from bokeh.client import pull_session
from bokeh.models import Div
from bokeh.util.token import get_session_id
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from serving import serve_bucket

import lfpscope
from lfpscope.io.tables import write_json
from lfpscope.references.index import index_recording
from lfpscope.summary.probe import summarize_probe
from lfpscope.viewer.export import describe_view
from lfpscope.viewer.export_lane import Lane
from lfpscope.viewer.script import PACKAGES, copy_library, write_viewer
from lfpscope.viewer.session_folder import SessionFolder
from lfpscope.viewer.view_state import State

NOTHING = "No probe has been indexed in this folder yet."


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a session's folder in a folder of results, with the library beside it."""
    folder = tmp_path_factory.mktemp("results") / "one"
    write_viewer(session="one", viewer=folder / "viewer.py")
    copy_library(folder.parent / "lfpscope")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "viewer.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def files(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_equal_input_gives_equal_bytes(session: Path, tmp_path: Path) -> None:
    for _ in range(2):
        write_viewer(session="one", viewer=tmp_path / "one/viewer.py")
        copy_library(tmp_path / "lfpscope")
    assert files(session.parent) == files(tmp_path)
    assert not list(tmp_path.rglob("__pycache__"))


def test_there_is_a_library_at_every_moment(tmp_path: Path) -> None:
    library, seen, done = tmp_path / "lfpscope", list[bool](), threading.Event()
    copy_library(library)
    (library / "old.py").touch()

    def look() -> None:
        while not done.is_set():
            seen.append(library.is_dir())

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        for _ in range(5):
            copy_library(library)
        done.set()
        looking.result()
    assert all(seen)
    assert not (library / "old.py").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"lfpscope"}


def where_the_library_is(folder: Path, *options: str) -> str:
    """Say which library a viewer takes, or why it takes none."""
    code = (
        "import runpy, sys; sys.argv = ['viewer.py', '--help']\n"
        f"try: runpy.run_path({str(folder / 'viewer.py')!r}, run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "print(sys.modules['lfpscope'].__file__ if 'lfpscope' in sys.modules else '')"
    )
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def test_it_takes_the_library_in_its_folder_then_beside_it(session: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(session.parent, results)
    assert where_the_library_is(results / "one").endswith(f"{results}/lfpscope/__init__.py\n")
    shutil.copytree(results / "lfpscope", results / "one/lfpscope")
    assert where_the_library_is(results / "one").endswith(f"{results}/one/lfpscope/__init__.py\n")


def test_a_session_that_was_moved_takes_an_installed_library_or_says_what_to_copy(
    session: Path, tmp_path: Path
) -> None:
    moved = shutil.copytree(session, tmp_path / "moved/one")
    installed = str(Path(lfpscope.__file__))
    assert where_the_library_is(moved).endswith(f"{installed}\n")
    said = where_the_library_is(moved, "-S")  # without what is installed
    assert said == (
        f"error: {tmp_path}/moved/lfpscope: the viewer's library is missing. Copy the folder "
        "lfpscope from the folder of results to there, or into the session's.\n\n"
    )


def test_it_names_its_packages_exactly(session: Path) -> None:
    text = (session / "viewer.py").read_text()
    block = re.match(r"# /// script\n((?:#.*\n)+)# ///\n", text)
    assert block
    read = tomllib.loads(block[1].replace("#", ""))
    supported = metadata("lfpscope")["Requires-Python"]
    assert SpecifierSet(read["requires-python"]) == SpecifierSet(supported)
    named = [Requirement(text) for text in read["dependencies"]]
    assert {requirement.name for requirement in named} == set(PACKAGES)
    for python in ("3.11.0", "3.12.0", "3.13.0"):
        place = {"python_full_version": python, "sys_platform": "linux"}
        mine = [r.name for r in named if r.marker is None or r.marker.evaluate(place)]
        assert sorted(mine) == sorted(PACKAGES)
    here = {r.name: r.specifier for r in named if r.marker is None or r.marker.evaluate()}
    assert here == {name: SpecifierSet(f"=={version(name)}") for name in PACKAGES}


@pytest.mark.slow
def test_it_needs_no_other_packages(session: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(session.parent)!r}); "
        "import lfpscope.viewer.app, lfpscope.viewer.page, lfpscope.viewer.export; "
        "names = {n.partition('.')[0] for n, m in sys.modules.items()"
        " if n.startswith('lfpscope.') for n in [getattr(v, '__module__', None) or"
        " getattr(v, '__name__', '') for v in vars(m).values()] if isinstance(n, str)}; "
        "print(*sorted(names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    known = packages_distributions()
    used = {known[name][0] for name in done.stdout.split() if name in known}
    assert used - {"lfpscope"} <= set(PACKAGES)


def test_writing_it_imports_nothing_slow() -> None:
    code = "import sys, lfpscope.viewer.script; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"bokeh", "datashader", "numpy"} & set(done.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--address", "0.0.0.0"], "lets other machines read this session"),  # noqa: S104
        (
            ["--address", "192.0.2.1", "--allow-websocket-origin", "192.0.2.1:1", "--no-browser"],
            "--address 192.0.2.1: Cannot assign requested address. Name an address of this machine",
        ),
        (["--address", "nope.invalid"], "Name an address of this machine"),
        (["--port", "99999"], "expected 0 to 65535"),
        (["--port", "-1"], "expected 0 to 65535"),
        (["--port", "http"], "expected 0 to 65535"),
        (["--allow-websocket-origin", "http://lab:5006"], "without http:// and path"),
        (["--allow-websocket-origin", "lab:*"], "expected HOST or HOST:PORT"),
        (["--allow-websocket-origin", "lab:x"], "expected HOST or HOST:PORT"),
        (["--allow-websocket-origin", ""], "expected HOST or HOST:PORT"),
        (["--data", "here"], "expected OLD=NEW"),
        (["--render", "none.json", "out.png"], "none.json: no such file"),
    ],
)
def test_it_refuses_in_one_line(session: Path, arguments: list[str], error: str) -> None:
    done = run(session, *arguments)
    assert done.returncode == 1
    assert error in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def texts_of_page(address: str) -> list[str]:
    """Texts on the page, once it says that there is no probe, or after a while."""
    page = requests.get(address, timeout=60).text
    token = re.search(r'"token":"([^"]+)"', page)
    assert token
    first = pull_session(url=address, session_id=get_session_id(token[1]))
    texts = list[str]()
    deadline = time.monotonic() + 90
    while NOTHING not in texts and time.monotonic() < deadline:
        time.sleep(0.3)
        page = pull_session(url=address, session_id=first.id)  # as it is by now
        texts = [div.text for div in page.document.select({"type": Div})]
        page.close()
    first.close()
    return texts


@pytest.mark.slow
def test_uv_runs_it_with_the_packages_that_it_names(session: Path) -> None:
    run_alone = [sys.executable, "-m", "uv", "run", "--no-project"]
    command = [*run_alone, str(session / "viewer.py"), "--no-browser", "--no-token", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            said = []
            while not (address := re.search(r"http://\S+", said[-1] if said else "")):
                said.append(server.stdout.readline())
                assert said[-1], "".join(said)
            with ThreadPoolExecutor(1) as thread:  # Bokeh's client wants an event loop of its own
                texts = thread.submit(texts_of_page, address[0]).result()
        finally:
            server.terminate()
    assert NOTHING in texts


@pytest.mark.slow
def test_uv_draws_a_session_on_s3(
    write_nwb: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone with its results and the library, as a colleague gets them."""
    results, probe = tmp_path / "results", tmp_path / "results/one/probes/a"
    probe.mkdir(parents=True)
    with serve_bucket({"a.nwb": (write_nwb(tmp_path / "a.nwb"), "public-read")}) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        index_recording("s3://lab/a.nwb", probe / "lfp.json", session="one", probe="a")
        outputs = {"envelope": probe / "envelope.zarr.zip", "channels": probe / "channels.csv"}
        summarize_probe(probe / "lfp.json", **outputs)
        write_viewer(session="one", viewer=results / "one/viewer.py")
        copy_library(results / "lfpscope")
        folder = SessionFolder(results / "one")
        view = describe_view(folder, State(10.0, 11.0, 250.0, probes=("a",)), 640, 400, Lane())
        write_json(tmp_path / "view.json", view)
        run_alone = [sys.executable, "-m", "uv", "run", "--no-project"]
        render = ["--render", str(tmp_path / "view.json"), str(tmp_path / "view.png")]
        done = subprocess.run(
            [*run_alone, str(results / "one/viewer.py"), *render],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")
