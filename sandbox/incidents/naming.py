"""Names as organisations give them."""

from __future__ import annotations

import random
from collections.abc import Iterator


def _words(text: str) -> list[str]:
    return text.split()


SUBJECTS = _words(
    """
    account basket billing booking card cart catalog checkout claims consent coupon courier customer delivery
    discount document dunning fraud fulfilment identity inventory invoice ledger listing loyalty media menu
    notification offer order partner payment payout policy price product profile promotion quote rating
    recommendation refund reservation returns review risk routing search seat session settlement shipment stock
    subscription tax ticket tracking transfer user vendor voucher wallet warehouse
    """
)
VENDORS = _words(
    """
    paylane mapforge smsbridge veridoc shipwise geotile fraudnet mailpost kycly ratehub signly cardrail
    """
)
TEAMS = _words(
    """
    atlas borealis comet delta ember falcon granite harbor iris juniper
    """
)
VERBS = _words(
    """
    createOrder applyRules reserve calculate submit fetchItems updateState sync validate enrich assign
    """
)
ORGANISATIONS = _words(
    """
    acme norddata bluefin quarto lumen tessera
    """
)


class Names:
    """Names of one organisation: consistent within, different from the next one's."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.organisation = rng.choice(ORGANISATIONS)
        self._service = rng.choice(("{}", "{}-service", "{}-svc", "{}-api", "svc-{}", "{}"))
        self._host = rng.choice(
            ("{}", "{}", "{}.prod.svc.cluster.local", "{}.internal", f"{{}}.{self.organisation}.net", "{}.default")
        )
        self._database = rng.choice(("{}-db", "{}-postgres", "pg-{}", "{}-pg"))
        self._subjects = rng.sample(SUBJECTS, len(SUBJECTS))
        self._vendors = rng.sample(VENDORS, len(VENDORS))

    def service(self) -> str:
        """A name for a service."""
        return self._service.format(self._subjects.pop())

    def gateway(self) -> str:
        """A name for what stands in front."""
        return self._rng.choice(("gateway", "api-gateway", "edge", "web", "frontend", "ingress", "public-api"))

    def database(self, owner: str) -> str:
        """A name for a service's database."""
        return self._database.format(self.bare(owner))

    def cache(self) -> str:
        """A name for a cache."""
        return self._rng.choice(("redis", "session-cache", "redis-main", "shared-cache"))

    def queue(self) -> str:
        """A name for a queue."""
        return self._rng.choice(("kafka", "event-bus", "kafka-main", "events"))

    def vendor(self) -> str:
        """A name for a vendor outside."""
        return self._vendors.pop()

    def host(self, name: str, kind: str) -> str:
        """Under which name others reach it."""
        return f"api.{name}.com" if kind == "external" else self._host.format(name)

    def bare(self, service: str) -> str:
        """A service's name without what all services have in common."""
        before, after = self._service.split("{}")
        return service.removeprefix(before).removesuffix(after)


def versions(rng: random.Random) -> Iterator[str]:
    """One version after the other, in one of the usual styles."""
    style = rng.randrange(3)
    major, minor, patch = rng.randint(1, 6), rng.randint(0, 40), rng.randint(0, 9)
    while True:
        if style == 0:
            yield f"{major}.{minor}.{patch}"
        elif style == 1:
            yield f"v{major}.{minor}.{patch}"
        else:
            yield f"build-{1000 * major + 10 * minor + patch}"
        if rng.random() < 0.3:
            minor, patch = minor + 1, 0
        else:
            patch += 1
