"""Where the buckets and blocks of an envelope start and stop, and how they are chunked."""

import numpy as np

from lfpscope.clock.segments import Clock
from lfpscope.typing import Ints

VALUES = ("first", "min", "max", "last")
LINES = ("mean", "slope")  # of blocks: at the middle of a full one, and per finest bucket
FACTOR = 4  # from one level to the next
COARSEST = 1024  # buckets: a level with no more needs no wider one
CHUNK_BUCKETS = 4096  # of one stored chunk, all channels,
CHUNK_VALUES = 1 << 19  # or as many as these make: one of each level is in memory
BLOCK_S = 1.6  # of the amplitude: a line fitted to a block is its baseline


def bucket_starts(clock: Clock, bucket: int) -> Ints:
    """First sample of every bucket, and the end of the recording.

    Buckets are counted from each segment's start, so that none straddles it.

    Returns
    -------
    ndarray of int64, shape (n_buckets + 1,)
    """
    starts = [np.arange(s.first_sample, s.stop_sample, bucket) for s in clock.segments]
    return np.concatenate([*starts, [clock.n_samples]]).astype(np.int64)


def bucket_edges(starts: Ints, top: int, bottom: int) -> Ints:
    """Where buckets start in samples top to bottom, counted from top, and the end.

    The first is negative where a bucket began before.
    """
    first = np.searchsorted(starts, top, side="right") - 1
    stop = np.searchsorted(starts, bottom)
    return np.minimum(starts[first : stop + 1], bottom) - top


def bucket_sizes(clock: Clock, bucket: int) -> list[int]:
    """Bucket sizes of all levels, from `bucket` on by factors of four."""
    sizes = [bucket]
    while bucket_starts(clock, sizes[-1]).size - 1 > COARSEST:
        if sizes[-1] >= max(s.n_samples for s in clock.segments):
            break  # a bucket per segment: wider ones would be the same
        sizes.append(sizes[-1] * FACTOR)
    return sizes


def block_size(clock: Clock, bucket: int) -> int:
    """Samples of a block of the amplitude.

    As many finest buckets as the power of two that comes nearest to 1.6 s, at least one: of
    buckets that are a power of two, the power of two nearest 1.6 s.
    """
    wanted = BLOCK_S / clock.dt / bucket if clock.dt > 0 else 1.0
    return bucket << int(np.clip(np.rint(np.log2(wanted)), 0, 30))


def chunk_width(n_channels: int) -> int:
    """Buckets of a stored chunk of all channels: a power of two."""
    most = max(1, CHUNK_VALUES // n_channels)
    return min(CHUNK_BUCKETS, 1 << (most.bit_length() - 1))
