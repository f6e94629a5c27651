"""Start the analyzer. The only module that reads the environment or owns the process."""

import sys

from daedalus_analyzer.analyzer import Analyzer
from daedalus_analyzer.settings import AnalyzerSettings
from daedalus_shared import usage
from daedalus_shared.streams import run


def main() -> None:
    """Run until SIGTERM."""
    usage.heed(AnalyzerSettings, "daedalus_analyzer", sys.argv[1:])
    settings = AnalyzerSettings.read()
    run(Analyzer(settings.instance), settings)


if __name__ == "__main__":
    main()
