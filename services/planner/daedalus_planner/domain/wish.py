"""A scale-out that is wanted, with what has shaped it on its way to the decision."""

from dataclasses import dataclass, replace

from daedalus_planner.domain.situation import Reason


@dataclass(frozen=True, slots=True)
class Wish:
    """A scale-out wanted, and what has shaped it so far."""

    chosen: int
    """Workers."""

    reason: Reason
    """What decided last."""

    sentence: str = ""
    """The planner's own."""

    clauses: tuple[str, ...] = ()
    """What each limit says."""

    limits: tuple[str, ...] = ()
    """What bounded it, in this order."""

    def changed(self, chosen: int, reason: Reason, name: str, clause: str) -> "Wish":
        """Return the wish as one limit leaves it: what it says comes after what others said."""
        return replace(
            self,
            chosen=chosen,
            reason=reason,
            limits=(*self.limits, name),
            clauses=(*self.clauses, clause),
        )
