"""The viewer: a program beside a session's results that shows it in a browser.

`write_viewer` is all that the pipeline calls; the rest is imported when a viewer runs.
"""

from lfpscope.viewer.script import write_viewer

__all__ = ["write_viewer"]
