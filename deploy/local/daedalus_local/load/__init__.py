"""The load generator `python -m daedalus_local.load`: plays a trace or a shape to a topic."""
