"""Addresses of objects on S3."""

import os
from typing import Any

from lfpscope.errors import UserError


def readable_url(address: str) -> str:
    """Return the http or https address to ask; for s3, signed where there are credentials."""
    scheme, _, rest = address.partition("://")
    if scheme in ("http", "https"):
        return address
    if scheme != "s3":
        raise UserError(
            f"{address}: scheme {scheme}; expected a path, https:// or s3://. Correct it."
        )
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    bucket, _, key = rest.partition("/")
    session = botocore.session.get_session()
    signed = session.get_credentials() is not None
    style = {} if not os.environ.get("AWS_ENDPOINT_URL") else {"addressing_style": "path"}
    config = Config(signature_version="s3v4" if signed else UNSIGNED, s3=style)
    client = session.create_client(
        "s3",
        config=config,
        region_name=session.get_config_variable("region") or "us-east-1",
    )
    url: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=3600
    )
    return url


def s3_options() -> dict[str, Any]:
    """Options with which s3fs reads as we do: anonymously where there are no credentials."""
    import botocore.session

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    anonymous = botocore.session.get_session().get_credentials() is None
    return {"anon": anonymous} | ({"endpoint_url": endpoint} if endpoint else {})
