"""What all planners say of a candidate alike."""

from dataclasses import replace

from daedalus_planner.domain.situation import Option, Situation, Verdict


def beyond_bounds(situation: Situation, option: Option) -> Option | None:
    """Return the verdict on more workers than help, or than the engine allows; None on others."""
    bounds = situation.bounds
    if option.scale_out <= bounds.highest:
        return None
    if bounds.input_partitions is not None and option.scale_out > bounds.input_partitions:
        why = f"the input has {bounds.input_partitions} partitions"
        return replace(option, verdict=Verdict.INPUT_PARTITIONS, why=why)
    why = f"the engine's own limit is {bounds.max_parallelism}"
    return replace(option, verdict=Verdict.MAX_PARALLELISM, why=why)
