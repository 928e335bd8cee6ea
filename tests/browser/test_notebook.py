"""The viewer in cells of a real JupyterLab, directly and through jupyter-server-proxy."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import MODELS
from playwright.sync_api import Browser, Frame, Page

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
    page.set_default_timeout(120_000)
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


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("base", ["/", "/user/me/"], ids=["direct", "proxied"])
def test_two_viewers_in_a_notebook(
    tmp_path: Path, session: Path, browser: Browser, base: str
) -> None:
    first = f"import lfpscope\nlfpscope.view({str(session)!r}, t=(60, 62), mode='traces')"
    second = f"lfpscope.view({str(session)!r}, t=(30, 31), probes='100000022')"
    third = f"lfpscope.plot({str(session)!r}, t=(30, 31), probes='100000022')"
    write_notebook(tmp_path / "views.ipynb", first, second, third)
    proxied = base != "/"
    options = [f"--ServerApp.base_url={base}"]
    # as without jupyter-server-proxy
    options += (
        [] if proxied else ["--ServerApp.jpserver_extensions={'jupyter_server_proxy': False}"]
    )
    with jupyter(tmp_path, *options) as address:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        run_cells(page, address, "views.ipynb")
        shown = [viewer_frame(page, i) for i in range(2)]
        ranges = [one.evaluate("[pageModel('time').start, pageModel('time').end]") for one in shown]
        assert ranges == [[60, 62], [30, 31]]
        own = address.split("/lab?")[0]
        assert [one.url.startswith(f"{own}/proxy/") for one in shown] == [proxied] * 2
        # the view follows keys, and a page that is loaded again is still let in
        shown[0].locator("body").press("ArrowRight")
        shown[0].wait_for_function("pageModel('time').start > 61")
        shown[0].wait_for_function("!location.search.includes('t=60.')")
        shown[0].evaluate("location.reload()")
        page.wait_for_timeout(500)
        again = viewer_frame(page, 0)
        assert again.evaluate("pageModel('time').start") > 61
        page.locator(".jp-OutputArea-output img").first.wait_for()  # the plot
        if folder := os.environ.get("LFPSCOPE_PICTURES"):
            page.screenshot(path=f"{folder}/notebook-{'proxied' if proxied else 'direct'}.png")
        # what the kernel has started ends with it
        port = re.search(r"proxy/(\d+)/" if proxied else r":(\d+)/", shown[0].url)
        assert port
        page.close()
    wait_until_closed(int(port[1]))


def wait_until_closed(port: int) -> None:
    import socket
    import time

    for _ in range(600):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise AssertionError(f"port {port} still answers")
