"""Every setting of the simulator as a service, with its default and unit; read in `__main__`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from daedalus_shared.settings import ServiceSettings
from daedalus_simulator.domain.shapes import SHAPES
from daedalus_simulator.domain.world import MOST, START


class Settings(ServiceSettings):
    """Read from the environment, each variable prefixed ``SIMULATOR_``."""

    model_config = SettingsConfigDict(env_prefix="SIMULATOR_")

    instance: str = "sim"
    """Name of this instance, and what the names of its own jobs begin with. One process plays the
    jobs of an instance; a second one needs another name."""

    jobs: int = Field(default=0, ge=0, le=100_000)
    """Jobs of its own that it declares and plays, such as `sim-0007`. With 0 it plays all jobs that
    others declare, in place of their monitor and executor."""

    speed: float = Field(default=1.0, ge=1.0, le=60.0)
    """Seconds of the jobs' time in one second. Its own jobs' policies are compressed by it; those
    of others must be so already."""

    trace: Path | None = None
    """CSV file of a workload that all jobs get, each from another second on; generated shapes by
    default."""

    shapes: tuple[str, ...] = tuple(SHAPES)
    """Generated workloads, dealt out to the jobs in turn, such as ``["sine", "steps"]``."""

    minutes: float = Field(default=120.0, ge=1.0, le=1440.0)
    """Length of a generated workload in minutes of the jobs' time; then it begins again."""

    peak: float = Field(default=50_000.0, gt=0.0, allow_inf_nan=False)
    """Records/s at the top of a generated workload."""

    engine: Literal["declared", "flink", "flink-slow", "kafka-streams"] = "declared"
    """What a rescale costs: as the engine that a job declares, or as this one."""

    seed: int = Field(default=1, ge=0)
    """Seed of all that is drawn."""

    workers: int = Field(default=START, ge=1)
    """Workers that a job starts with, within its bounds."""

    max_workers: int = Field(default=MOST, ge=1, le=1000)
    """Most workers of its own jobs."""

    mode: Literal["act", "advise"] = "act"
    """Mode of its own jobs."""

    planner: str = "horizon"
    """Planner of its own jobs."""

    @field_validator("shapes")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in SHAPES]
        if unknown or not names:
            raise ValueError(f"{', '.join(unknown) or 'none'}: there are {', '.join(SHAPES)}")
        return names

    @field_validator("instance")
    @classmethod
    def _can_begin_a_jobs_name(cls, name: str) -> str:
        if name != name.lower() or "_" in name:
            raise ValueError(f"{name!r} must be lower-case letters, digits, dots and dashes")
        return name
