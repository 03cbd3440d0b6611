"""OpenTelemetry's own variables, as far as this program has a setting for what they say."""

from __future__ import annotations

from collections.abc import Mapping

_BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_RATIOS = ("traceidratio", "parentbased_traceidratio")


def from_opentelemetry(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings for the standard variables that are set; a setting of our own wins over them.

    Source: OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter Configuration".

    Args:
        environ: the variables.
    """
    given = {name: value.strip() for name, value in environ.items() if name.startswith("OTEL_") and value.strip()}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true" or given.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return {}
    found: dict[str, str] = {}
    if address := given.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or given.get(_BASE):
        found["SUREHAND_TRACING__ENDPOINT"] = address
    if headers := given.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or given.get("OTEL_EXPORTER_OTLP_HEADERS"):
        found["SUREHAND_TRACING__HEADERS"] = headers
    sampler = given.get("OTEL_TRACES_SAMPLER", "")
    if sampler in _RATIOS and "OTEL_TRACES_SAMPLER_ARG" in given:
        found["SUREHAND_TRACING__SAMPLE"] = given["OTEL_TRACES_SAMPLER_ARG"]
    elif sampler.endswith("always_off"):
        found["SUREHAND_TRACING__SAMPLE"] = "0"
    return found
