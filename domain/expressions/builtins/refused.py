"""What jq has and workflow code must not: names, each with the sentence that says why."""

from __future__ import annotations

_ENVIRONMENT = "The environment is refused, as it differs between workers: pass what is needed as a variable."
_CLOCK = "The clock is refused, as a replay would see another time: pass the time as a variable."
_LOCAL = "Local time is refused, as it differs between workers: use gmtime and strftime."
_INPUT = "Reading further input is refused: an expression sees only its value and its variables."
_OUTPUT = "Writing messages is refused: return what should be seen."
_HALT = "Halting is refused: use error."
_MODULES = "Modules and the program's own files are refused: write the definition into the expression."
_PLACE = "$__loc__ is refused, as a playbook has no jq files: name the place yourself."

REFUSED: dict[str, str] = {
    "env": _ENVIRONMENT,
    "now": _CLOCK,
    "localtime": _LOCAL,
    "strflocaltime": _LOCAL,
    **dict.fromkeys(("input", "inputs", "input_filename", "input_line_number"), _INPUT),
    **dict.fromkeys(("debug", "stderr"), _OUTPUT),
    **dict.fromkeys(("halt", "halt_error"), _HALT),
    **dict.fromkeys(
        ("get_search_list", "modulemeta", "import", "include", "get_prog_origin", "get_jq_origin", "builtins"), _MODULES
    ),
}
REFUSED_VARIABLES: dict[str, str] = {
    "ENV": _ENVIRONMENT,
    "__loc__": _PLACE,
    "__prog_args": _INPUT,
}
