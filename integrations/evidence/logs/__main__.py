"""`python -m integrations.evidence.logs`: one analysis. The question on the first line of stdin, the answer on stdout.

Stdin stays open for as long as somebody waits for the answer. When it closes, nobody does, and the process ends at
once: so it outlives neither a cancelled call nor a worker that was killed.
"""

from __future__ import annotations

import os
import sys
import threading

_ABANDONED = 3
_FAILED = 4


def main() -> int:
    """Answer one question."""
    first = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    from integrations.evidence.logs.analysing import LogQuestion, analyse  # noqa: PLC0415  # watch over stdin first
    from integrations.evidence.logs.limits import limit_memory  # noqa: PLC0415

    limit_memory()
    try:
        answer = analyse(LogQuestion.model_validate_json(first)).model_dump_json()
    except MemoryError:
        answer = ""
    except OSError:
        return _FAILED
    if not answer:
        return _FAILED + 1
    sys.stdout.write(answer)
    sys.stdout.flush()
    return 0


def _end_with_the_asker() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(_ABANDONED)


if __name__ == "__main__":
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # a text stream
    code = main()
    sys.stdout.flush()
    # The thread above sits in a read, which a proper end of the interpreter would wait for or crash on.
    os._exit(code)
