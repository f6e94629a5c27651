"""What the commands `backtest` and `compare` do."""
