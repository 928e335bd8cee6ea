"""References that were corrupted or made up: right, or refused in one line, and nothing else."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recorded
from hypothesis import given
from hypothesis import strategies as st
from stored import as_samples_read

from lfpscope.errors import UserError
from lfpscope.hdf5.layout import inline
from lfpscope.references.combine import combine_references
from lfpscope.references.model import ProbeReferences
from lfpscope.references.open import open_references
from lfpscope.references.schema import digest, read_probe, read_session

Content = dict[str, Any]
Edit = Callable[[Content], Any]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = recorded.walk(900, 3, step=0.195e-6).astype(np.float32)
    times = 5 + np.arange(900) / recorded.RATE
    return recorded.index(tmp_path_factory.mktemp("good"), data, chunks=(200, 1), times=times).file


@pytest.fixture
def content(good: Path) -> Content:
    return dict(json.loads(good.read_text()))


def sign(content: Content) -> str:
    """Return the JSON with the digest that fits, as one who means harm would."""
    return json.dumps(content | {"refs_sha256": digest(content["refs"])})


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(UserError) as error:
        open_references(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def ref(key: str, value: Any) -> Edit:
    return lambda content: content["refs"].update({key: value})


def zarray(variable: str, **changes: Any) -> Edit:
    def edit(content: Content) -> None:
        old = json.loads(content["refs"][f"{variable}/.zarray"])
        content["refs"][f"{variable}/.zarray"] = json.dumps(old | changes)

    return edit


def root(**changes: Any) -> Edit:
    def edit(content: Content) -> None:
        old = json.loads(content["refs"][".zattrs"])
        content["refs"][".zattrs"] = json.dumps(old | changes)

    return edit


FLAT = {"shape": [10**15], "dtype": "<f4", "compressor": None, "filters": None}
HARM: dict[str, tuple[Edit, str]] = {
    # what it may hold
    "gen": (lambda c: c.update(gen=[{"key": "lfp/0.0"}]), "it has version, templates"),
    "version_2": (lambda c: c.update(version=2), "version 2"),
    "no_version": (lambda c: c.pop("version"), "expected provenance, refs"),
    "more_templates": (lambda c: c["templates"].update(v="/etc/passwd"), "templates u, v"),
    "function": (lambda c: c["templates"].update(u="{{ x.__class__ }}"), "is not the one that was"),
    # where it may read
    "another_file": (lambda c: c["templates"].update(u="/etc/passwd"), "'/etc/passwd' is not the"),
    "file_scheme": (lambda c: c["templates"].update(u="file:///etc/passwd"), "is not the one that"),
    "address_of_a_chunk": (ref("lfp/0.0", ["/etc/passwd", 0, 10]), "not [address, offset, length]"),
    "attribute": (ref("lfp/0.0", ["{{u.__class__}}", 0, 10]), "not [address, offset, length]"),
    "whole_file": (ref("lfp/0.0", ["{{u}}"]), "not [address, offset, length]"),
    "before_the_start": (ref("lfp/0.0", ["{{u}}", -8, 10]), "10 bytes at -8"),
    "negative_length": (ref("lfp/0.0", ["{{u}}", 8, -10]), "-10 bytes at 8"),
    "beyond_the_end": (ref("lfp/0.0", ["{{u}}", 10**9, 10]), "10 bytes at 1000000000"),
    "huge": (ref("lfp/0.0", ["{{u}}", 10**30, 10]), "OverflowError"),
    "offset_as_text": (ref("lfp/0.0", ["{{u}}", "0", 10]), "not [address, offset, length]"),
    "true_as_offset": (ref("lfp/0.0", ["{{u}}", True, 10]), "not [address, offset, length]"),
    "metadata_from_the_file": (ref("lfp/.zarray", ["{{u}}", 0, 10]), "a key 'lfp/.zarray'"),
    # keys
    "up_the_tree": (ref("../lfp/0.0", "base64:"), "a variable '../lfp'"),
    "negative_place": (ref("lfp/-1.0", ["{{u}}", 0, 10]), "a key 'lfp/-1.0'"),
    "outside_the_grid": (ref("lfp/5.0", ["{{u}}", 0, 10]), "chunks of lfp outside its shape"),
    "another_number_of_axes": (ref("lfp/0", ["{{u}}", 0, 10]), "ValueError"),
    # how it decodes
    "pickle": (zarray("lfp", compressor={"id": "pickle"}), "an array of"),
    "pickled_clock": (zarray("timestamps", compressor={"id": "pickle"}), "an array of"),
    "pickled_channels": (zarray("channel", compressor={"id": "pickle"}), "channel is"),
    "objects": (zarray("channel", dtype="|O"), "channel is"),
    "pickled_and_absent": (
        ref("more/.zarray", json.dumps({**FLAT, "compressor": {"id": "pickle"}})),
        "more is",
    ),
    "huge_shape": (zarray("lfp", shape=[10**15, 3]), "an array of"),
    "huge_chunk": (zarray("lfp", chunks=[10**12, 1]), "an array of"),
    "no_chunk": (zarray("lfp", chunks=[0, 1]), "an array of"),
    "half_a_sample": (zarray("lfp", shape=[899.5, 3]), "an array of"),
    "other_order": (zarray("lfp", order="X"), "an array of"),
    "inlined_bomb": (ref("lfp/0.0", inline(bytes(10**5))), "an inlined chunk of lfp larger"),
    # what does not fit together
    "clock_of_other_length": (root(clock=[[0, 800, 5.0, 0.0008, 0.0]]), "a clock of 800 samples"),
    "clock_that_stands": (root(clock=[[0, 900, 5.0, 0.0, 0.0]]), "a clock with Segment"),
    "clock_with_a_hole": (root(clock=[[10, 890, 5.0, 1.0, 0.0]]), "a clock with Segment"),
    "channels_of_other_number": (zarray("lfp", shape=[900, 2]), "chunks of lfp outside its shape"),
    "checksum_outside": (
        lambda c: c["provenance"].update(crc32=[[0, 10**12, 5]]),
        "checksums of chunks that are not in the source",
    ),
    "many_checksums": (lambda c: c["provenance"].update(crc32=[[0, 1, 5]] * 65), "checksums"),
}


@pytest.mark.parametrize("name", HARM)
def test_harm_is_refused(content: Content, tmp_path: Path, name: str) -> None:
    edit, reason = HARM[name]
    edit(content)
    message = refusal(tmp_path / "lfp.json", sign(content))
    assert "not references written by index_probe" in message
    assert reason in message


def test_what_was_spoiled_does_not_fit_its_digest(content: Content, tmp_path: Path) -> None:
    content["refs"]["lfp/0.0"][1] += 1  # plausible
    message = refusal(tmp_path / "lfp.json", json.dumps(content))
    assert "the references do not fit their SHA-256" in message


def test_only_hdf5_files_are_read(content: Content, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"\0" * content["provenance"]["size"])  # of the right size
    content["templates"]["u"] = content["provenance"]["address"] = str(secret)
    content["provenance"]["crc32"] = []
    path = tmp_path / "lfp.json"
    path.write_text(sign(content))
    with pytest.raises(UserError, match=rf"^{secret}: not an HDF5 file\. "):
        open_references(path)


def test_a_key_twice_is_refused(good: Path, tmp_path: Path) -> None:
    text = good.read_text()
    again = re.sub('"version":1', '"version":1,"version":1', text)
    assert "not JSON (the key 'version' twice)" in refusal(tmp_path / "lfp.json", again)


def test_a_key_twice_in_the_metadata_is_refused(content: Content, tmp_path: Path) -> None:
    content["refs"][".zattrs"] = content["refs"][".zattrs"].replace("{", '{"probe": "x", ', 1)
    assert "the key 'probe' twice" in refusal(tmp_path / "lfp.json", sign(content))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in refusal(tmp_path / "lfp.json", "[" * 100_000)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "lfp.json").mkdir()
    with pytest.raises(UserError, match=r"lfp\.json: Is a directory"):
        read_probe(tmp_path / "lfp.json")


# --- a session ----------------------------------------------------------------------------------


@pytest.fixture
def session(good: Path, tmp_path: Path) -> Path:
    data = recorded.walk(700, 3, step=0.195e-6, seed=1).astype(np.float32)
    (tmp_path / "other").mkdir()
    other = recorded.index(tmp_path / "other", data, chunks=(200, 1)).file
    content = json.loads(other.read_text())
    content["refs"][".zattrs"] = content["refs"][".zattrs"].replace('"probe"', '"b"', 2)
    content["refs"][".zattrs"] = content["refs"][".zattrs"].replace('"b": "b"', '"probe": "b"')
    other.write_text(sign(content))
    combine_references([good, other], tmp_path / "session.json", session="session")
    return tmp_path / "session.json"


def test_a_session_that_was_combined(session: Path) -> None:
    assert list(read_session(session).probes) == ["probe", "b"]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda c: c["templates"].update(u0="/etc/passwd"), "is not the one that was indexed"),
        (lambda c: c["templates"].update(u2="/etc/passwd"), "templates u0, u1, u2"),
        (ref("b/lfp/0.0", ["{{u0}}", 0, 10]), "not [address, offset, length]"),
        (ref("b/lfp/0.0", ["{{u1}}", 0, 10**9]), "1000000000 bytes at 0"),
        (root(probes=["probe", "../b"]), "KeyError"),
        (ref("more/lfp/0.0", ["/etc/passwd", 0, 10]), "probes ['probe', 'b']"),
        (root(probes=["probe"]), "templates u0, u1; expected u0"),
    ],
)
def test_harm_in_a_session_is_refused(session: Path, edit: Edit, reason: str) -> None:
    assert_refused(session, edit, reason)


def assert_refused(session: Path, edit: Edit, reason: str) -> None:
    """Check that a session is refused once it was edited, though its checksum fits."""
    content = json.loads(session.read_text())
    edit(content)
    session.write_text(sign(content))
    with pytest.raises(UserError, match="not references written by combine_session") as error:
        read_session(session)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (ref("stacked/lfp/0.0.0", ["/etc/passwd", 0, 10]), "not [address, offset, length]"),
        (ref("stacked/lfp/0.0.0", ["{{u1}}", 0, 10**9]), "1000000000 bytes at 0"),
        (ref("stacked/lfp/2.0.0", ["{{u1}}", 0, 10]), "chunks of lfp outside its shape"),
        (zarray("stacked/lfp", compressor={"id": "pickle"}), "an array of"),
        (zarray("stacked/area", dtype="|O"), "area is"),
    ],
)
def test_harm_in_what_is_stacked(good: Path, tmp_path: Path, edit: Edit, reason: str) -> None:
    other = json.loads(good.read_text())
    root(probe="b")(other)
    (tmp_path / "b.json").write_text(sign(other))
    path = tmp_path / "session.json"
    assert combine_references([good, tmp_path / "b.json"], path, session="session") == "yes"
    assert list(read_session(path).probes) == ["probe", "b"]
    assert_refused(path, edit, reason)


# --- any change ---------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@st.composite
def corrupted(draw: st.DrawFn, value: Any) -> Any:
    """One value of a JSON, at any depth, is another, is gone, or has a letter changed."""
    kinds = ["replace"]
    if isinstance(value, dict | list) and value:
        kinds += ["inside"] * 6 + ["remove"]
    if isinstance(value, str) and value:
        kinds += ["letter", "parsed"] if value[0] == "{" else ["letter"]
    if type(value) is int:
        kinds += ["near"]
    match draw(st.sampled_from(kinds)):
        case "inside" | "remove" as kind:
            value = copy.copy(value)
            place = draw(
                st.sampled_from(list(value) if isinstance(value, dict) else range(len(value)))
            )
            if kind == "remove":
                del value[place]
            else:
                value[place] = draw(corrupted(value[place]))
            return value
        case "letter":
            i = draw(st.integers(0, len(value) - 1))
            return value[:i] + draw(st.characters(codec="utf-8")) + value[i + 1 :]
        case "parsed":
            try:
                return json.dumps(draw(corrupted(json.loads(value))))
            except ValueError:
                return value
        case "near":
            return value + draw(st.integers(-5, 5))
    return draw(VALUES)


@given(data=st.data(), signed=st.booleans())
def test_any_change_is_right_or_refused(good: Path, data: st.DataObject, signed: bool) -> None:
    before = open_references(good)
    content = data.draw(corrupted(json.loads(good.read_text())))
    path = good.with_name("corrupted.json")
    if signed and isinstance(content, dict) and isinstance(content.get("refs"), dict):
        path.write_text(sign(content))
    else:
        path.write_text(json.dumps(content))
        signed = False
    references = opened_or_refused(path)
    if references is None:
        return
    assert references.address == before.address
    found = as_samples_read(references)
    if not signed:  # who can sign may tell any tale, but of this file alone
        np.testing.assert_array_equal(found, as_samples_read(before))
        assert references.clock == before.clock


def opened_or_refused(path: Path) -> ProbeReferences | None:
    try:
        return open_references(path)
    except UserError as error:
        message = str(error)
    assert "\n" not in message
    return None


@given(data=st.data())
def test_any_change_of_the_text_is_right_or_refused(good: Path, data: st.DataObject) -> None:
    text = good.read_bytes()
    i = data.draw(st.integers(0, len(text) - 1))
    j = data.draw(st.integers(i, min(len(text), i + 20)))
    path = good.with_name("corrupted.json")
    path.write_bytes(text[:i] + data.draw(st.binary(max_size=4)) + text[j:])
    references = opened_or_refused(path)
    if references is not None:
        assert (references.lfp.offsets == open_references(good).lfp.offsets).all()
