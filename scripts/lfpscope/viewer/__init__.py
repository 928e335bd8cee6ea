"""The viewer: a program beside a session's results that shows it in a browser.

The pipeline calls `lfpscope.viewer.script` and `lfpscope.viewer.compiled`; the rest is imported
when a viewer runs.
"""
