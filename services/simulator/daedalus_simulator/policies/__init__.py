"""Ways to scale a job, all behind one protocol: ours, and those that it is compared with."""
