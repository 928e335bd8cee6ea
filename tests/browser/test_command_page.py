"""From a file to the gallery with one command, and on from there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import running, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.workflow]


def test_from_a_file_to_the_page_and_from_the_gallery_to_a_viewer(
    write_nwb: Callable[..., Path], tmp_path: Path, open_tab: Callable[..., object]
) -> None:
    """One run for many questions: it takes half a minute."""
    nwb = write_nwb(tmp_path / "mouse é [1].nwb", channels=8)
    results = tmp_path / "my results"
    cache = tmp_path / "cache"
    with running(nwb, "--results", results, "--no-browser", "--port=0", cache=cache) as program:
        tab = open_tab(program.address())
        tab.wait_for("every sample")  # before, or after there is an envelope
        program.wait_for(r"^1 probe complete")
        program.wait_for(r"^\[(\d+)/\1\] all")
        assert "rule summarize_probe:" not in program.output
        program.wait_for(r"^\[\d+/\d+\] summarize_probe \S+ \(.*\), about .* left$")
        assert program.output.index("http://") < program.output.index("[1/")  # the page came first
        # the page is made again by itself
        tab.page.get_by_text("not summarised yet").wait_for(state="hidden")
        tab.wait_for("every sample")
        wait_until(lambda: not (results / ".first").exists())
        tab.page.close()  # it would complain that the server is gone
        assert program.end() == 143
    assert not list(results.rglob(".progress.json*"))
    with running(results, "--no-browser", "--port=0", cache=cache) as program:
        tab = open_tab(program.address())
        tab.wait_for("every sample")
        tab.page.goto(re.sub(r"[^/]*$", "", program.address()))
        tab.page.get_by_role("link", name="open in the viewer").first.click()
        tab.wait_for("every sample")
        assert tab.page.url.split("?")[0].endswith("/mouse_e__1_")
        tab.page.close()
        assert program.end() == 143
