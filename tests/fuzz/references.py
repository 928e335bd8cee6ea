"""References corrupted in any way: read right, or refused in one line, and of no other file.

    python tests/fuzz/references.py [--probes 2000] [--sessions 1000] [--seed 0]

Values anywhere in the JSON, and in the JSON inside it, are others or gone. Half of the corrupted
ones have the digest that fits, as one who means harm would write it: then any tale may be told of
the source that was indexed, but nothing else may be read.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from guard import OWN, RIGHT, Counts, Guard, Outcome, WrongError, finish, refused
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "unit"))
sys.path.append(str(Path(__file__).parents[1] / "unit" / "references"))
import recorded
from stored import as_samples_read
from test_schema import corrupted, sign

from lfpscope.errors import UserError
from lfpscope.references.combine import combine_references
from lfpscope.references.open import open_references
from lfpscope.references.schema import read_session

OPENED: list[str] = []
sys.addaudithook(
    lambda event, arguments: (
        OPENED.append(str(arguments[0]))
        if event == "open" and arguments[2] & os.O_ACCMODE == os.O_RDONLY
        else None
    )
)
FILES = ("probe.nwb", "lfp.json", "session.json", "corrupted.json")


@dataclass(frozen=True)
class Work:
    """A folder with one probe and its session, and how what is corrupted is judged."""

    folder: Path

    def __call__(self, case: tuple[str, str, bool]) -> Outcome:
        name, text, signed = case
        path = self.folder / "corrupted.json"
        path.write_text(text)
        OPENED.clear()
        try:
            if name == "session.json":
                (found,) = read_session(path).probes.values()
                (whole,) = read_session(self.folder / "session.json").probes.values()
            else:
                found, whole = open_references(path), open_references(self.folder / "lfp.json")
        except UserError as error:
            return refused(str(error))
        samples = as_samples_read(found, min(found.n_samples, 10_000))
        ours = {str(self.folder / name) for name in FILES}
        if not set(OPENED) <= ours:
            raise WrongError(f"read {set(OPENED) - ours}")
        if signed:
            return Outcome(OWN)
        if not np.array_equal(samples, as_samples_read(whole)) or found.clock != whole.clock:
            raise WrongError("other samples or another clock")
        return Outcome(RIGHT)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=2000)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    n = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, counts = Path(name), Counts()
        data = recorded.walk(900, 3, step=0.195e-6).astype(np.float32)
        recorded.index(folder, data, chunks=(200, 1), times=5 + np.arange(900) / recorded.RATE)
        combine_references([folder / "lfp.json"], folder / "session.json", session="session")
        guard = Guard(Work(folder))
        for file, tries in (("lfp.json", n.probes), ("session.json", n.sessions)):
            try_all(guard, file, json.loads((folder / file).read_text()), tries, n.seed, counts)
        guard.close()
    finish(counts.show())


def try_all(
    guard: Guard, file: str, content: dict[str, Any], tries: int, number: int, counts: Counts
) -> None:
    """Corrupt a file so many times."""

    @seed(number)
    @settings(max_examples=tries, deadline=None, database=None, phases=[Phase.generate])
    @given(changed=corrupted(content), signed=st.booleans())
    def one(changed: Any, signed: bool) -> None:
        signed = signed and isinstance(changed, dict) and isinstance(changed.get("refs"), dict)
        text = sign(changed) if signed else json.dumps(changed)
        kind = f"{file}, signed again" if signed else file
        counts.add(kind, guard.run((file, text, signed)), text[:500])

    one()


if __name__ == "__main__":
    main()
