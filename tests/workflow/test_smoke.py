"""One small recording through the whole workflow, from its row in the table to the last line."""

import csv

from PIL import Image


def test_one_recording_from_its_row_to_pictures_and_viewer(workflow, write_nwb):
    write_nwb(workflow / "data/a.nwb")
    workflow.sessions("one nwb data/a.nwb")
    run = workflow.run("--config", "results=out", "overview={width: 640, height: 400}")
    assert "1 probe complete" in run.output
    probe = workflow / "out/one/probes/a"
    with (probe / "channels.csv").open(newline="") as file:
        assert [row["n_samples"] for row in csv.DictReader(file)] == ["3000"] * 4
    with Image.open(probe / "overview.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 16)) > 50  # traces, map, areas, text
    for path in ("index.html", "one/viewer.py", "one/session.json", "one/overview.png"):
        assert (workflow / "out" / path).is_file()
