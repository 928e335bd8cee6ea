"""The command `lfpscope`: from a file to the screen in one step."""
