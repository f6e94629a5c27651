"""Services of somebody else, one a stage: plain confluent-kafka and JSON, none of our packages.

They say the least that keeps to the events. `FAULTS` in the environment breaks one on purpose.
"""
