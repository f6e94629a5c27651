"""The whole Daedalus stack as plain processes on one machine, without containers."""
