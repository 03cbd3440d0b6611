"""What the service counts, for Prometheus. Labels are routes and never what a client wrote."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from starters.service.monitoring.standing import Standing

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One process's counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.standing = Standing()
        self.registry.register(self.standing)
        labels = ("method", "route", "status")
        self._requests = Counter("surehand_http_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "surehand_http_request_seconds",
            "Time to answer a request, in seconds.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._under_way = Gauge("surehand_http_requests_under_way", "Requests being answered.", registry=self.registry)

    def began(self) -> None:
        """A request came."""
        self._under_way.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """It was answered.

        Args:
            method: HTTP's.
            route: as it is written in the program; empty where there is none.
            status: of the answer.
            seconds: since it came.
        """
        self._under_way.dec()
        known = method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "OTHER"
        self._requests.labels(known, route or "none", str(status)).inc()
        self._seconds.labels(known, route or "none").observe(seconds)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self.registry)
