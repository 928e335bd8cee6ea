"""The command `lfpscope`: from files to the screen."""
