import pytest

from lfpscope.io.tables import read_json
from lfpscope.sources.status import has_failed, read_tries, write_status


def test_a_failure_counts_and_success_keeps_the_count(tmp_path):
    path = tmp_path / "index.json"
    assert read_tries(path) == 0
    write_status(path, "disk is full", read_tries(path), rule="index_probe")
    assert read_json(path) == {
        "status": "failed",
        "reason": "disk is full",
        "tries": 1,
        "rule": "index_probe",
    }
    assert has_failed(path)
    write_status(path, "", read_tries(path))
    assert read_tries(path) == 1  # else the rule's parameter would change, and it would run again
    assert not has_failed(path)


@pytest.mark.parametrize("content", ["", "[]", '{"tries": "x"}', "1"])
def test_a_damaged_file_is_a_failure(tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    assert read_tries(tmp_path / "index.json") == 0
    assert has_failed(tmp_path / "index.json")
