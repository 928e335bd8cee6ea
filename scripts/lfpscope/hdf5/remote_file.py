"""What h5py reads of a remote file, in blocks."""

import os
from collections.abc import Iterator

from lfpscope.io.byte_source import Identity
from lfpscope.io.http import CONNECTIONS, RemoteFile

_kept: dict[str, tuple[Identity, dict[int, bytes]]] = {}
"""Metadata of the file that was read last, by its address: what lists it also indexes it."""


class Blocks:
    """A remote file as HDF5 wants it: readable and seekable, with a cache of its metadata.

    HDF5 walks the index of the chunks node by node. When it reads a node that points to others,
    these are fetched at once, in parallel.
    """

    BLOCK, MAX_KEPT = 4096, 1 << 16

    def __init__(self, remote: RemoteFile) -> None:
        self.remote = remote
        self._at = 0
        self._blocks = _blocks_of(remote)

    def __repr__(self) -> str:
        return self.remote.address  # what h5py takes for the file's name

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.remote.size}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Return where it stands."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer from where it stands."""
        raw = self._read(self._at, len(buffer))
        buffer[: len(raw)] = raw
        self._at += len(raw)
        self._fetch_children(raw)
        return len(raw)

    def read(self, size: int) -> bytes:
        """Read from where it stands."""
        raw = self._read(self._at, size)
        self._at += len(raw)
        return raw

    def _read(self, offset: int, size: int) -> bytes:
        if size > self.MAX_KEPT:  # samples, not metadata
            return self.remote.read(offset, size)
        stop = min(offset + size, self.remote.size)
        first, last = offset // self.BLOCK, -(-stop // self.BLOCK)
        self._fetch(range(first, last))
        raw = b"".join(self._blocks[i] for i in range(first, last))
        return raw[offset - first * self.BLOCK : stop - first * self.BLOCK]

    def _fetch(self, blocks: range) -> None:
        """Have blocks in the cache; those that lack and touch come with one request."""
        for run in _runs(i for i in blocks if i not in self._blocks):
            raw = self.remote.read(run.start * self.BLOCK, len(run) * self.BLOCK)
            for i in run:
                start = (i - run.start) * self.BLOCK
                self._blocks[i] = raw[start : start + self.BLOCK]

    def _fetch_children(self, node: bytes) -> None:
        """Fetch the nodes below one of an index of chunks, a B-tree of version 1.

        The form is in the HDF5 File Format Specification, III.A.1: a head of 24 bytes, then keys
        and addresses in turn.
        """
        if node[:4] != b"TREE" or node[4] != 1 or node[5] == 0:
            return
        n_children = int.from_bytes(node[6:8], "little")
        for n_axes in range(2, 5):  # HDF5 reads whole nodes; their size tells that of the keys
            key = 8 + 8 * n_axes
            n_most, rest = divmod(len(node) - 24 - key, key + 8)
            if rest == 0 and n_most >= n_children:
                break
        else:
            return
        places = [24 + key + i * (key + 8) for i in range(n_children)]
        starts = [int.from_bytes(node[place : place + 8], "little") for place in places]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda start: self._read(start, len(node)), starts))


def _blocks_of(remote: RemoteFile) -> dict[int, bytes]:
    """Blocks that were read of this version of a file; none if its server names no version."""
    identity = remote.identity()
    kept, blocks = _kept.get(remote.address, ({}, {}))
    if kept != identity or not identity["etag"]:
        blocks = {}
    _kept.clear()
    _kept[remote.address] = identity, blocks
    return blocks


def _runs(numbers: Iterator[int]) -> Iterator[range]:
    """Group rising numbers into ranges without holes."""
    run: range | None = None
    for number in numbers:
        if run is not None and number == run.stop:
            run = range(run.start, number + 1)
        else:
            if run is not None:
                yield run
            run = range(number, number + 1)
    if run is not None:
        yield run
