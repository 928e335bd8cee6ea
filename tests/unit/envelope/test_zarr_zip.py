"""A store is Zarr version 3, reads back in stretches, and says when it is damaged or another's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recorded
import zarr
from zarr.storage import ZipStore

from lfpscope.envelope.read import OpenProbe
from lfpscope.envelope.zarr_zip import Store, StoreWriter
from lfpscope.errors import UserError

TABLE = np.arange(26, dtype=np.int16).reshape(2, 13) - 9


def write(path: Path) -> Path:
    with StoreWriter(path) as store:
        store.group("", {"step": 0.5, "name": "µ"})
        store.group("128", {})
        names = ("channel", "bucket")
        store.array("128/min", TABLE.shape, np.int16, width=5, dimensions=names)
        for i in range(3):
            store.chunk("128/min", i, TABLE[:, 5 * i : 5 * i + 5])
        store.whole("128/flags", np.array([True, False]))
        store.whole("128/mean", np.array([1.5, np.nan]))
    return path


def test_zarr_opens_it(tmp_path: Path) -> None:
    with ZipStore(write(tmp_path / "a.zip"), mode="r") as store:
        root = zarr.open_group(store, mode="r")
        assert root.attrs.asdict() == {"step": 0.5, "name": "µ"}
        array = root["128/min"]
        assert array.chunks == (2, 5)
        assert array.metadata.dimension_names == ("channel", "bucket")
        assert array[:].tolist() == TABLE.tolist()
        assert array.dtype == np.int16
        assert root["128/flags"][:].tolist() == [True, False]
        np.testing.assert_array_equal(root["128/mean"][:], [1.5, np.nan])


@pytest.mark.parametrize("stretch", [(0, 13), (4, 6), (5, 10), (12, 13), (3, 99), (7, 7)])
def test_stretches(tmp_path: Path, stretch: tuple[int, int]) -> None:
    store = Store(write(tmp_path / "a.zip"))
    assert store.attributes() == {"step": 0.5, "name": "µ"}
    found = store.read("128/min", *stretch)
    assert found.tolist() == TABLE[:, slice(*stretch)].tolist()
    assert found.dtype == np.int16
    store.close()


def test_equal_content_is_equal_bytes(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert one == other


def test_damage_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"128/min/c/0/1") + 30] ^= 1
    path.write_bytes(raw)
    store = Store(path)
    assert store.read("128/min", 0, 5).tolist() == TABLE[:, :5].tolist()
    with pytest.raises(UserError, match=r"a.zip: not an envelope .*CRC.* Delete it and run"):
        store.read("128/min", 0, 6)
    with pytest.raises(UserError, match="not an envelope"):
        store.read("512/min")
    store.close()
    path.write_bytes(raw[:100])
    with pytest.raises(UserError, match="not an envelope"):
        Store(path)
    with pytest.raises(UserError, match=r"b.zip: no such file. Run the pipeline"):
        Store(tmp_path / "b.zip")


def test_an_envelope_of_another_file_or_probe(tmp_path: Path) -> None:
    data = recorded.walk(900, 2, step=1.0)
    first = recorded.index(tmp_path, data, chunks=(300, 1))
    _, envelope = recorded.summarise(first)
    OpenProbe(first, envelope).close()
    # indexed again, and not summarised
    second = recorded.index(tmp_path, data[::-1], chunks=(300, 1))
    with pytest.raises(UserError, match=r"zip: made of another file or probe than .*lfp\.json"):
        OpenProbe(second, envelope)
    _, envelope = recorded.summarise(second)
    for other in ({"probe": "b"}, {"session": "b"}):
        with pytest.raises(UserError, match="made of another file or probe"):
            OpenProbe(replace(second, **other), envelope)
    times = 10 + np.arange(900) / recorded.RATE + 1e-4
    with pytest.raises(UserError, match="made of another"):
        OpenProbe(recorded.index(tmp_path, data, chunks=(300, 1), times=times), envelope)
