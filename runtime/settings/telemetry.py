"""The settings of what a process says about itself: logs and traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from runtime.settings.groups import Group, TimeoutSeconds, WebAddress


class LogSettings(Group):
    """What is logged, and how."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    form: Literal["auto", "json", "plain"] = Field("auto", description="json, plain, or auto: plain in a terminal")


class TracingSettings(Group):
    """Where traces go. The standard variables of OpenTelemetry count where these are unset."""

    endpoint: WebAddress | None = Field(
        None, description="address of an OTLP/HTTP collector, such as http://127.0.0.1:4318; unset means no traces"
    )
    headers: SecretStr | None = Field(None, description="name=value,name=value sent to it, such as a key")
    sample: float = Field(1.0, ge=0, le=1, description="share of new traces that are kept, from 0 to 1")
    timeout_seconds: TimeoutSeconds = Field(5, description="give up on one delivery after this long")
