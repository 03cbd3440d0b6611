"""All that schemathesis has against a service of its own: `python -m tests.service.deep_contract [EXAMPLES] [SEED]`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.service.service_world import ServiceWorld

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def schemathesis(world: ServiceWorld, *options: str, quietly: bool = True) -> subprocess.CompletedProcess[str]:
    """Requests made from the served description, by whoever may do everything."""
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{world.url}/openapi.json", "--header", f"Authorization: Bearer {world.keys['person']}"),
            *("--generation-with-security-parameters", "false", "--generation-allow-x00", "false"),
            *("--continue-on-failure", "--no-color", "--workers", "2"),
            *options,
        ],
        cwd=world.folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=quietly,
        text=True,
        check=False,
    )


def main() -> int:
    """Run every phase; returns its exit code."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "50"
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    with tempfile.TemporaryDirectory() as folder, ServiceWorld(Path(folder), requests_per_minute=0) as world:
        phases = ("--phases", "examples,coverage,fuzzing,stateful")
        return schemathesis(world, *phases, "--max-examples", examples, "--seed", seed, quietly=False).returncode


if __name__ == "__main__":
    sys.exit(main())
