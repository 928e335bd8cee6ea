"""The viewer in cells: of a real JupyterLab through its proxy, and where there is no proxy."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serving
from conftest import MODELS
from playwright.sync_api import Browser, Frame, Page

import lfpscope

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


def write_notebook(path: Path, *cells: str) -> None:
    """Write a notebook whose cells have not run."""
    code = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    listed = [code | {"id": f"cell{i}", "source": source} for i, source in enumerate(cells)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": listed}
    path.write_text(json.dumps(content))


@contextmanager
def jupyter(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """Run JupyterLab in a folder, and yield its address with the token."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.port=0", f"--ServerApp.root_dir={folder}", *options]
    # whatever this user has configured is not to be seen
    homes = {f"JUPYTER_{name}": str(folder / ".jupyter") for name in ("CONFIG_DIR", "DATA_DIR")}
    homes |= {"JUPYTER_RUNTIME_DIR": str(folder / ".run"), "IPYTHONDIR": str(folder / ".ipython")}
    homes |= {"PYTHONPATH": str(ROOT / "scripts"), **environment}
    log = folder / "jupyter.log"
    with (
        log.open("w") as file,
        subprocess.Popen(command, env=os.environ | homes, stdout=file, stderr=file) as server,
    ):
        try:
            while not (found := re.search(r"http://\S+/lab\?token=\w+", log.read_text())):
                assert server.poll() is None, log.read_text()
            yield found[0]
        finally:
            server.terminate()


def run_cells(page: Page, address: str, notebook: str) -> None:
    """Open a notebook and run all its cells."""
    page.set_default_timeout(60_000)
    page.add_init_script(MODELS)
    before, token = address.split("/lab?")
    # with a kernel that runs already nothing is asked
    kernel = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
    page.request.post(f"{before}/api/sessions?{token}", data=kernel)
    page.goto(f"{before}/lab/tree/{notebook}?{token}")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def viewer_frame(page: Page, number: int) -> Frame:
    """The viewer in one of the outputs, once it has drawn all its pictures."""
    output = page.locator("iframe[title=lfpscope]").nth(number)
    output.wait_for()  # it is hidden until the server was reached
    output.scroll_into_view_if_needed()
    handle = output.element_handle()
    assert handle is not None
    page.wait_for_function("(frame) => !frame.hidden && frame.src", arg=handle)
    frame = handle.content_frame()
    assert frame is not None
    frame.wait_for_function(
        """() => {
            if (!window.Bokeh?.documents?.length || !pageModel("time")) return false
            const pictures = pageModels().filter((m) => m.name?.startsWith("picture "))
            return pictures.length && pictures.some((one) => one.data.image.length)
        }"""
    )
    return frame


def test_two_viewers_in_jupyterlab(tmp_path: Path, session: Path, browser: Browser) -> None:
    """Through jupyter-server-proxy, as behind JupyterHub, below a prefix."""
    first = f"import lfpscope\nlfpscope.view({str(session)!r}, t=(60, 62), mode='traces')"
    second = f"lfpscope.view({str(session)!r}, t=(30, 31), probes='100000022')"
    third = f"lfpscope.plot({str(session)!r}, t=(30, 31), probes='100000022')"
    write_notebook(tmp_path / "views.ipynb", first, second, third)
    with jupyter(tmp_path, "--ServerApp.base_url=/user/me/") as address:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        run_cells(page, address, "views.ipynb")
        shown = [viewer_frame(page, i) for i in range(2)]
        assert [time_range(one) for one in shown] == [[60, 62], [30, 31]]
        own = address.split("/lab?")[0]
        assert all(one.url.startswith(f"{own}/proxy/") for one in shown)
        page.locator(".jp-OutputArea-output img").first.wait_for()  # the plot
        if folder := os.environ.get("LFPSCOPE_PICTURES"):
            page.screenshot(path=f"{folder}/notebook.png")
        port = re.search(r"proxy/(\d+)/", shown[0].url)
        assert port
        page.close()
    wait_until_closed(int(port[1]))  # with the kernel


def test_a_viewer_in_a_page_of_another_origin(
    tmp_path: Path, session: Path, browser: Browser
) -> None:
    """As in VS Code: the page knows of no Jupyter, and the browser sends no cookies."""
    shown = lfpscope.view(session, t=(60, 62))
    (tmp_path / "cell.html").write_text(f"<!doctype html><body>{shown._repr_html_()}</body>")
    with serving.serve(tmp_path) as served:
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.add_init_script(MODELS)
        page.set_default_timeout(90_000)
        page.goto(f"{served.address}/cell.html")
        frame = viewer_frame(page, 0)
        assert frame.url.startswith("http://127.0.0.1:")
        # the address follows the view, and a frame that is loaded again is still let in
        frame.evaluate("pageModel('time').setv({start: 61.5, end: 63.5})")
        frame.wait_for_function("location.search.includes('t=61.5')")
        with page.expect_event("framenavigated"):
            frame.evaluate("setTimeout(() => location.reload())")
        assert time_range(viewer_frame(page, 0)) == [61.5, 63.5]
        # once the server has ended the cell says so
        shown.close()
        page.reload()
        page.get_by_text("run the cell again").wait_for()
        page.close()


def time_range(frame: Frame) -> list[float]:
    found = frame.evaluate("[pageModel('time').start, pageModel('time').end]")
    assert isinstance(found, list)
    return found


def wait_until_closed(port: int) -> None:
    for _ in range(600):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise AssertionError(f"port {port} still answers")
