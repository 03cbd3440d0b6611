"""The functions every expression knows."""

from domain.expressions.builtins.collections import COLLECTIONS
from domain.expressions.builtins.counting import COUNTING
from domain.expressions.builtins.dates import DATES
from domain.expressions.builtins.matching import MATCHING
from domain.expressions.builtins.numbers import NUMERIC
from domain.expressions.builtins.prelude import PRELUDE
from domain.expressions.builtins.refused import REFUSED, REFUSED_VARIABLES
from domain.expressions.builtins.registry import Builder
from domain.expressions.builtins.streams import STREAMS
from domain.expressions.builtins.strings import STRINGS

NATIVE: dict[str, Builder] = {**STREAMS, **COUNTING, **COLLECTIONS, **STRINGS, **NUMERIC, **MATCHING, **DATES}
"""Those written in Python, by name and number of arguments."""

__all__ = ["NATIVE", "PRELUDE", "REFUSED", "REFUSED_VARIABLES"]
