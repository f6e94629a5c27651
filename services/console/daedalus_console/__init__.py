"""The daedalus command: declares jobs, shows and explains decisions."""
