"""What people meant when they turned a solution down: which kinds of fix they rule out, and which they want instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.model import Value
from domain.text.normalise import normalise_line
from domain.troubleshooting.fixing.remedies import Remedy

_LOOKED_AT = 1_000
_NAMES: dict[Remedy, str] = {
    Remedy.ROLL_BACK: (
        r"roll(?:ed|ing)?[ -]?(?:it )?back\w{0,3}|revert\w{0,3}|zur[uü]ckroll\w{0,3}|revertir|retour arri[eè]re"
    ),
    Remedy.CONFIGURATION: r"config\w{0,12}|settings?|konfiguration\w{0,2}|einstellung\w{0,2}|configuraci[oó]n",
    Remedy.SCALE: (r"scal(?:e|es|ed|ing)(?: (?:it )?(?:out|up))?|replicas?|capacity|(?:hoch)?skalier\w{0,3}|escalar"),
    Remedy.RESTART: r"restart\w{0,3}|reboot\w{0,3}|bounce\w{0,2}|neu ?start\w{0,3}|reinici\w{0,4}|red[eé]marr\w{0,4}",
    Remedy.MANUAL: r"by hand|manual(?:ly)?|ourselves|myself|von hand|manuell|selbst|a mano|manualmente|[aà] la main",
}
_RULED_OUT = re.compile(
    r"(?:no|not|never|don't|do not|cannot|can't|must not|mustn't|without|against|avoid|instead of|rather than"
    r"|anything but|kein\w{0,2}|nicht|nie|ohne|statt|no se puede|sin|nunca|pas(?: de)?|jamais|sans)"
    r"(?: [\w']{1,15}){0,2} $"
)
_SPOKEN_AGAINST = re.compile(
    r"^[^.;,!?]{0,30}(?<!\w)(?:too|risky|dangerous|impossible|not|never|no|forbidden|won't|doesn't|isn't|can't|cannot|frozen|"
    r"zu riskant|gef[aä]hrlich|nicht|unm[oö]glich|verboten|peligroso|imposible|dangereu\w{1,2})(?!\w)"
)


class Wishes(Value):
    """What is ruled out and what is wanted."""

    ruled_out: frozenset[Remedy] = frozenset()
    wanted: tuple[Remedy, ...] = ()
    """The latest wish first."""


def wishes_in(reasons: Iterable[str]) -> Wishes:
    """Read the reasons of rejections. They steer the order of what is proposed; people still approve it.

    Args:
        reasons: in people's own words, the earliest first.
    """
    ruled_out: set[Remedy] = set()
    wanted: list[Remedy] = []
    for reason in reasons:
        text = normalise_line(reason[:_LOOKED_AT]).lower()
        for remedy, names in _NAMES.items():
            for match in re.finditer(rf"(?<!\w)(?:{names})(?!\w)", text):
                before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 80]
                if _RULED_OUT.search(before) or _SPOKEN_AGAINST.match(after):
                    ruled_out.add(remedy)
                elif remedy not in wanted:
                    wanted.insert(0, remedy)
    return Wishes(ruled_out=frozenset(ruled_out), wanted=tuple(one for one in wanted if one not in ruled_out))
