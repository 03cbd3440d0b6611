"""`python -m sandbox.incidents SEED FOLDER`: write one incident."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sandbox.incidents.incident import make_incident
from sandbox.incidents.truth import KINDS


def main(words: list[str] | None = None) -> int:
    """Write the evidence to FOLDER/evidence, and the answer to FOLDER/truth.json and standard output."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.incidents", description="A made-up incident.")
    parser.add_argument("seed", type=int, help="decides everything")
    parser.add_argument("folder", type=Path, help="where to; made when it is missing")
    parser.add_argument("--lines", type=int, default=20_000, help="about how many log lines")
    parser.add_argument("--faults", type=int, choices=(1, 2), default=1, help="2: two independent ones that overlap")
    parser.add_argument("--kind", choices=KINDS, help="of the first fault; the seed decides when not given")
    parser.add_argument("--remove-evidence", action="store_true", help="take out what tells the cause")
    given = parser.parse_args(words)
    truth = make_incident(
        given.seed,
        given.folder,
        lines=given.lines,
        faults=given.faults,
        remove_evidence=given.remove_evidence,
        kind=given.kind,
    )
    sys.stdout.write(json.dumps(truth.as_json()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
