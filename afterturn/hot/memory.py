"""The memory use of the hot store's server, and its policy at the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afterturn.hot.commands import RedisSteps

#: Part of maxmemory at which `afterturn status` and clients warn. Larger: less time until writes are refused.
ALARM_FRACTION = 0.8
#: The required policy at maxmemory: Redis refuses writes. With any other policy it deletes acknowledged turns.
POLICY = "noeviction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The memory use and the limit, from INFO."""

    used_bytes: int
    #: 0: there is no limit.
    limit_bytes: int
    #: maxmemory-policy.
    policy: str

    @property
    def share(self) -> float | None:
        """The part of the limit that is used; None without a limit."""
        return self.used_bytes / self.limit_bytes if self.limit_bytes else None

    @property
    def is_evicting(self) -> bool:
        """Whether keys are deleted at the limit."""
        return self.policy != POLICY

    @property
    def is_alarming(self) -> bool:
        """Whether turns may be lost, or will soon be refused."""
        return self.is_evicting or (self.share or 0.0) > ALARM_FRACTION

    def warning(self) -> str | None:
        """Return a sentence that describes the problem and its fix; None without a problem."""
        if self.is_evicting:
            return f"Redis deletes turns when its memory is full: set its maxmemory-policy to {POLICY}"
        if self.is_alarming:
            return (
                f"Redis uses {self.share:.0%} of its maxmemory; at 100% it refuses writes. Check that the workers run, "
                "or raise maxmemory."
            )
        return None


def from_info(info: Mapping[str, Any]) -> Memory:
    """Return the memory of redis-py's `info("memory")`. A missing field gets a value that raises no alarm."""
    return Memory(
        used_bytes=int(info.get("used_memory", 0)),
        limit_bytes=int(info.get("maxmemory", 0)),
        policy=str(info.get("maxmemory_policy", POLICY)),
    )


def read_memory() -> RedisSteps[Memory]:
    """Return the memory. A user without the right to INFO gets NoPermissionError."""
    [info] = yield [("INFO", "memory")]
    return from_info(info)
