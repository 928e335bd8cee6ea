"""Where bytes are: on disk, at an https address, or in an S3 bucket.

An address that others may see is always the stable one: where a server redirects to a signed
address for a few minutes, as DANDI's does, the signed one stays in memory.
"""

import re

from lfpscope.io.byte_source import LocalFile
from lfpscope.io.http import RemoteFile


def is_remote(address: str) -> bool:
    """Tell whether an address is not a path.

    >>> is_remote("s3://bucket/key"), is_remote("data/probe.nwb")
    (True, False)
    """
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address))


def open_address(address: str) -> "LocalFile | RemoteFile":
    """Open what lies at an address.

    Parameters
    ----------
    address : str
        A path, or an http, https or s3 address.

    Raises
    ------
    UserError
        If it is not there, cannot be read, or cannot be read in pieces.
    """
    return RemoteFile(address) if is_remote(address) else LocalFile(address)
