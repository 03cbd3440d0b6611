"""The services of a system and who calls whom."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from pydantic import Field

from domain.model import Value


class Service(Value):
    """One service, database, queue or outside vendor."""

    name: str
    kind: str = "service"
    """`service`, `database`, `cache`, `queue`, `gateway`, `external`, ..."""
    team: str | None = None
    tier: str | None = None
    """How much depends on it, in the organisation's own words."""
    health_url: str | None = None


class Topology(Value):
    """The graph."""

    services: tuple[Service, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    """Who calls whom: caller first."""

    def names(self) -> tuple[str, ...]:
        """Every service that is named, in order."""
        ends = (name for call in self.calls for name in call)
        return tuple(dict.fromkeys([*(service.name for service in self.services), *ends]))

    def callees(self, name: str) -> tuple[str, ...]:
        """Whom a service calls itself."""
        return tuple(dict.fromkeys(callee for caller, callee in self.calls if caller == name))

    def callers(self, name: str) -> tuple[str, ...]:
        """Who calls a service itself."""
        return tuple(dict.fromkeys(caller for caller, callee in self.calls if callee == name))

    def upstream(self, name: str) -> dict[str, int]:
        """Everybody who depends on a service, with the number of calls between."""
        return _reached(name, self.callers)

    def downstream(self, name: str) -> dict[str, int]:
        """Everybody whom a service depends on, with the number of calls between."""
        return _reached(name, self.callees)

    def joined(self, services: Iterable[str], calls: Iterable[tuple[str, str]]) -> Topology:
        """This graph with more services and calls, such as those that traces show."""
        known = {service.name for service in self.services}
        more = tuple(Service(name=name) for name in dict.fromkeys(services) if name not in known)
        return Topology(services=(*self.services, *more), calls=tuple(dict.fromkeys([*self.calls, *calls])))


class BlastRadius(Value):
    """Whom an incident reaches."""

    affected: tuple[str, ...] = ()
    """Services that show symptoms, the worst first."""
    at_risk: tuple[str, ...] = ()
    """Services that depend on an affected one and show nothing yet."""
    severity: str = "unknown"
    """`low`, `medium`, `high`, `critical` or `unknown`."""
    scope: str = "unknown"
    """`one service`, `several services`, `most of the system` or `unknown`."""
    reasons: tuple[str, ...] = Field(default=())


def _reached(name: str, neighbours: Callable[[str], tuple[str, ...]]) -> dict[str, int]:
    found: dict[str, int] = {}
    waiting = deque([(name, 0)])
    while waiting:
        here, distance = waiting.popleft()
        for other in neighbours(here):
            if other != name and other not in found:
                found[other] = distance + 1
                waiting.append((other, distance + 1))
    return found
