"""Draw what intervals evoke on all probes of a session, side by side at one scale."""

from lfpscope.cli import run
from lfpscope.render.evoked_files import draw_session_evoked

if __name__ == "__main__":
    run(draw_session_evoked)
