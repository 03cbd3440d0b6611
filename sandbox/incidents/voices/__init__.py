"""The vocabularies."""

from __future__ import annotations

from sandbox.incidents.voices.golang import GO
from sandbox.incidents.voices.java import JAVA
from sandbox.incidents.voices.node import NODE
from sandbox.incidents.voices.proxies import ENVOY, NGINX
from sandbox.incidents.voices.python import PYTHON
from sandbox.incidents.voices.stores import KAFKA, POSTGRES, REDIS, SILENT
from sandbox.incidents.voices.voice import Said, Scenario, Voice

VOICES = {voice.name: voice for voice in (JAVA, PYTHON, GO, NODE, NGINX, ENVOY, POSTGRES, REDIS, KAFKA, SILENT)}
APPLICATIONS = ("spring", "gunicorn", "go", "node")
GATEWAYS = ("nginx", "envoy", "node", "spring", "go")

__all__ = ["APPLICATIONS", "GATEWAYS", "VOICES", "Said", "Scenario", "Voice"]
