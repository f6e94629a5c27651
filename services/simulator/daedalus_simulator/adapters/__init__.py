"""Where the simulator meets files and topics."""
