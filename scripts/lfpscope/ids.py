"""Ids of sessions and probes: they name folders of results and groups of session.json."""

import re
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

CHARACTERS = "A-Za-z0-9._-"
ID = rf"[A-Za-z0-9][{CHARACTERS}]*"
MAX_LENGTH = 100  # characters; a file name has 255 bytes, and logs have an ending
STACKED = "stacked"  # group of session.json with the array of all probes; no probe's id
DEMO_SESSION = r"demo-(0|[1-9][0-9]{0,8})"


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of a session or probe.

    >>> is_id("sub-1_probe.0"), is_id("../a"), is_id("")
    (True, False, False)
    """
    return len(text) <= MAX_LENGTH and bool(re.fullmatch(ID, text))


def replace_other_characters(text: str) -> str:
    """Replace what cannot be in an id.

    >>> replace_other_characters("my file (1)")
    'my_file__1_'
    """
    return re.sub(f"[^{CHARACTERS}]", "_", text)


def demo_number(session: str) -> int | None:
    """Return the number of a demo session; None if it is not named as one.

    >>> demo_number("demo-12"), demo_number("demo-01")
    (12, None)
    """
    match = re.fullmatch(DEMO_SESSION, session)
    return int(match[1]) if match else None


def probe_id(path: Path, series: str = "") -> str:
    """Id of a probe: the file's stem, or DANDI's id, and the series where there are several.

    Letters of other scripts cannot stand in it; a checksum keeps apart what differs in them alone.

    >>> probe_id(Path("sub-1/probe_810755797_lfp.nwb"))
    '810755797'
    >>> probe_id(Path("my file.nwb"), "/acquisition/LF 0")
    'my_file.LF_0'
    >>> probe_id(Path("a.nwb"), "/acquisition/LFP左")
    'a.LFP-05f78e'
    """
    stem = path.parent.name if path.name == "download" else path.stem  # assets of DANDI
    allen = re.fullmatch(r"probe_(\d+)_lfp", stem)
    parts = [allen[1] if allen else stem, *([series.rsplit("/", 1)[-1]] if series else [])]
    return as_id(".".join(parts))


def as_id(text: str) -> str:
    """Return the id that is most like a text; a checksum tells apart what cannot stand in it."""
    latin = re.sub(r"[\u0300-\u036f]", "", normalize("NFKD", text))  # without accents
    name = replace_other_characters(re.sub(r"[^\x00-\x7f]", "", latin))
    name = name if name[:1].isalnum() and name != STACKED else f"x{name}"
    is_complete = latin.isascii() and len(name) <= MAX_LENGTH
    return name if is_complete else f"{name[: MAX_LENGTH - 7]}-{checksum(text)}"


def checksum(text: str) -> str:
    """Six letters that stand for a text."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:6]
