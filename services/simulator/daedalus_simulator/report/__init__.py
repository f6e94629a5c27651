"""One self-contained HTML page about simulated runs: no network, light and dark, phone and desk."""
