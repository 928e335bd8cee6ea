"""The viewer's server of a notebook: it ends when the kernel that started it does."""

import os
import sys
from pathlib import Path

from lfpscope.notebook.process import end_with_kernel


def main() -> None:
    """Serve a folder below a secret path, until standard input ends.

    Those who know the path may see the session. No cookie is asked for: a notebook may lie at
    another address than the server, and browsers send no cookies from frames of other sites.
    """
    folder, secret = sys.argv[1:]
    # at any name: the page is reached through proxies, and the path is not guessed by other pages
    os.environ["BOKEH_ALLOW_WS_ORIGIN"] = "*"
    options = ["--port", "0", "--no-browser", "--no-token", "--any-frame", "--prefix", f"/{secret}"]
    sys.argv[1:] = options
    end_with_kernel()
    from lfpscope.viewer.app import main as serve

    serve(Path(folder))


if __name__ == "__main__":
    main()
