"""Playbooks for tests: the specification's own, and small ones made in place."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FEATURES = ROOT / "tests" / "conformance" / "features"
EXAMPLES = Path(__file__).parent / "specification"

HEAD = """\
document:
  dsl: '1.0.3'
  namespace: test
  name: small
  version: '1.0.0'
"""


def small(tasks: str, *, extra: str = "") -> str:
    """A playbook of these tasks, the first of which stands in line 7."""
    return f"{HEAD}{textwrap.dedent(extra)}do:\n{textwrap.dedent(tasks)}"


def specified() -> list[tuple[str, str]]:
    """Every document of the conformance features, with its scenario."""
    found = []
    for path in sorted(FEATURES.glob("*.feature")):
        scenarios = path.read_text("utf-8").split("Scenario:")[1:]
        for scenario in scenarios:
            name = scenario.partition("\n")[0].strip()
            for text in re.findall(r'definition:\s+"""yaml\n(.*?)"""', scenario, re.DOTALL):
                found.append((f"{path.stem}: {name}", textwrap.dedent(text)))
    return found


def examples() -> list[tuple[str, str]]:
    """Every example of the specification's reference, as published."""
    return [(path.name, path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("*.yaml"))]
