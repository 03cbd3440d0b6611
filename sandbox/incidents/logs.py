"""Writes the logs: a file for each part, or one for all of them, in the order of time and without holding them."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from io import TextIOWrapper
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import TextIO

from sandbox.incidents.layouts import Stamp
from sandbox.incidents.scribe import Scribe

Gathered = Callable[[str, float, str], str]


def scale_of(scribes: list[Scribe], minutes: int, lines: int) -> float:
    """How much everybody writes so that it becomes so many lines.

    Args:
        scribes: everybody who writes.
        minutes: length of the evidence.
        lines: about how many are wanted.
    """
    scale = 1.0
    for _ in range(3):
        written = sum(mean for scribe in scribes for minute in range(0, minutes, 3) for _, mean in
                      scribe.means(minute, scale)) * 3  # fmt: skip
        scale *= lines / max(written, 1.0)
    return scale


def write(
    rng: random.Random, folder: Path, scribes: list[Scribe], *, begins: datetime, minutes: int, lines: int
) -> list[Path]:
    """Write everybody's log.

    Args:
        rng: decides how they are gathered.
        folder: where to; must exist.
        scribes: everybody who writes.
        begins: the first minute.
        minutes: how many.
        lines: about how many lines in all; stack traces add to them.

    Returns:
        The files.
    """
    scale = scale_of(scribes, minutes, lines)
    packed = rng.random() < 0.12
    together = _together(rng) if rng.random() < 0.2 else None
    ending = rng.choice((".log", ".log", ".log", ".txt")) + (".gz" if packed else "")
    if together:
        names = dict.fromkeys((scribe.part.name for scribe in scribes), f"all{ending}")
    else:
        names = {scribe.part.name: f"{scribe.part.name}{ending}" for scribe in scribes}
    with ExitStack() as stack:
        files = {name: stack.enter_context(_open(folder / name)) for name in dict.fromkeys(names.values())}
        for minute in range(minutes):
            if together:
                _write_together(
                    next(iter(files.values())), scribes, minute, begins=begins, scale=scale, together=together
                )
                continue
            for scribe in scribes:
                text = "\n".join([line for _, line in scribe.minute(minute, begins, scale)])
                if text:
                    files[names[scribe.part.name]].write(text + "\n")
    return [folder / name for name in files]


def _write_together(
    file: TextIO, scribes: list[Scribe], minute: int, *, begins: datetime, scale: float, together: Gathered
) -> None:
    said = [(at, scribe.part.name, line) for scribe in scribes for at, line in scribe.minute(minute, begins, scale)]
    said.sort(key=lambda one: one[0])
    file.writelines([f"{together(name, at, line)}\n" for at, name, line in said])


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        # No time in the header: the same seed gives the same bytes.
        return TextIOWrapper(gzip.GzipFile(path, "wb", compresslevel=1, mtime=0), encoding="utf-8")
    return path.open("w", encoding="utf-8")


def _together(rng: random.Random) -> Gathered:
    style = rng.randrange(3)
    pod = f"{rng.getrandbits(32):08x}"
    if style == 0:
        return lambda name, at, line: "\n".join(f"{name:<20} | {piece}" for piece in line.split("\n"))
    if style == 1:
        return lambda name, at, line: "\n".join(f"[pod/{name}-{pod}-x7k2p/{name}] {one}" for one in line.split("\n"))
    stamp = Stamp("%Y-%m-%dT%H:%M:", 0, "Z")
    return lambda name, at, line: (
        f'{{"time":"{stamp(at)}","stream":"stdout","log":{quoted(line)},"kubernetes":{{"container_name":"{name}"}}}}'
    )
