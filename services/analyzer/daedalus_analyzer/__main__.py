"""Start the analyzer. The only module that reads the environment or owns the process."""

from daedalus_analyzer.analyzer import Analyzer
from daedalus_analyzer.settings import AnalyzerSettings
from daedalus_shared.streams import run


def main() -> None:
    """Run until SIGTERM."""
    settings = AnalyzerSettings.read()
    run(Analyzer(settings.instance), settings)


if __name__ == "__main__":
    main()
