"""See that AllenSDK's own environment works. Runs in it."""

from lfpscope.cli import run
from lfpscope.sources.allen.environment import prepare_allensdk

if __name__ == "__main__":
    run(prepare_allensdk)
