"""The command `lfpscope`, as ``python -m lfpscope``."""

from lfpscope.command.main import main

if __name__ == "__main__":
    main()
