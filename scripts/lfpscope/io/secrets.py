"""Secrets in addresses."""

import re

from lfpscope.errors import UserError

SECRETS = re.compile(  # a password, or what signed addresses of Amazon, Google and Azure have
    r"(?i)://[^/\s]*@|[?&](X-(Amz|Goog)-|AWSAccessKeyId=|GoogleAccessId=|Sig(nature)?=|(\w+_)?token=)"
)


def check_secrets(address: str, where: str) -> None:
    """Check that an address holds nothing secret, because it will be stored."""
    if SECRETS.search(address):
        raise UserError(
            f"{where}: an address with a password, a token or a signature, which would be stored. "
            "Give it without; credentials are taken from the environment, or ~/.netrc."
        )
