"""Do policies still decide as they did? The short backtests of CI, and their golden record."""
