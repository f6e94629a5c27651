"""Start the forecaster. The only module that reads the environment or owns the process."""

import sys

from daedalus_forecaster.adapters.trainer import Trainer
from daedalus_forecaster.forecaster import Forecaster
from daedalus_forecaster.hooks import ForecasterHooks
from daedalus_forecaster.settings import Settings
from daedalus_shared import usage
from daedalus_shared.streams import run


def main() -> None:
    """Run until SIGTERM."""
    usage.heed(Settings, "daedalus_forecaster", sys.argv[1:])
    settings = Settings.read()
    trainer = Trainer(settings.worker_idle)
    forecaster = Forecaster(settings.instance, trainer.trained)
    run(forecaster, settings, ForecasterHooks(trainer))


if __name__ == "__main__":
    main()
