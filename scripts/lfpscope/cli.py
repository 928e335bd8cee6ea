"""A typed function made into a command-line program, with errors as users should read them."""

import sys
import traceback
from collections.abc import Callable

from lfpscope.errors import UserError

INTERRUPTED = (130, 143)  # exit codes: by the user, by the scheduler


def run(function: Callable[..., None]) -> None:
    """Run a function as a program: arguments from its annotations, help from its docstring.

    An option of a list takes all values behind it: ``--listed a.tsv b.tsv``.

    A `UserError` is printed as one line; any other error is ours and keeps its traceback. Both
    end the program with exit code 1, an interruption with 130.
    """
    import cyclopts  # what only shares the exit codes need not wait for it

    app = cyclopts.App(
        default_command=function,
        default_parameter=cyclopts.Parameter(consume_multiple=True, negative=""),
        version_flags=[],
        result_action="return_value",
    )
    try:
        app()
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED[0])  # as shells say it
    except (UserError, OSError) as error:
        if not isinstance(error, UserError):
            traceback.print_exc()  # the reason of a full disk or a denied folder is in the log
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
