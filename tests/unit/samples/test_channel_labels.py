"""Labels that a user wrote."""

from pathlib import Path

import pytest

from lfpscope.errors import UserError
from lfpscope.samples.channel_labels import read_labels_by_hand

HEAD = "probe\tchannel\tlabel\tnote\n"


def test_labels_of_one_probe_the_last_row_of_a_channel_counts(tmp_path: Path) -> None:
    table = tmp_path / "bad_channels.tsv"
    rows = ["a\t7\tnoisy\t", "b\t7\tdead\t", "a\t8\tdead\tx", "a\t7\tgood\tit is fine"]
    table.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    assert read_labels_by_hand(table, "a") == {7: "good", 8: "dead"}
    assert read_labels_by_hand(table, "c") == {}
    assert read_labels_by_hand(tmp_path / "none.tsv", "a") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("probe\tchannel\na\t7\n", "no column label"),
        (HEAD + "a\t7\tbroken\t\n", r"line 2: label 'broken' of channel '7' \(expected an id"),
        (HEAD + "a\tseven\tdead\t\n", "line 2: label 'dead' of channel 'seven'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, says: str) -> None:
    table = tmp_path / "bad_channels.tsv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        read_labels_by_hand(table, "a")
