"""What a text names: services, hosts, error codes, versions and times. Linear patterns; what is found is data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.troubleshooting.incident import Entities

MOST_OF_EACH = 20
LOOKED_AT = 20_000
"""Characters of a text that are looked at."""
_LONGEST = 80

_SUFFIX = (
    "service|svc|api|db|gateway|worker|proxy|cache|queue|server|frontend|backend|ui|consumer|producer|scheduler|broker"
)
_SERVICES = (
    re.compile(
        rf"(?<![\w./@-])([a-z][a-z0-9]{{0,30}}(?:[-_][a-z0-9]{{1,30}}){{0,4}}[-_](?:{_SUFFIX}))(?![\w./@-])", re.I
    ),
    re.compile(r"`([A-Za-z][\w.-]{1,60})`"),
    re.compile(r"(?<!\w)(?:service|dienst|servicio|deployment|pod)(?:[:=] ?| ?[\"'])([a-z][\w-]{1,60})", re.I),
    re.compile(
        r"(?<!\w)(?:service|dienst|servicio|deployment|pod) ([a-z][a-z0-9]{1,40}(?:[-_][a-z0-9]{1,30}){1,5})(?!\w)",
        re.I,
    ),
    re.compile(
        r"(?<![\w-])([a-z][a-z0-9]{2,40}(?:[-_][a-z0-9]{1,30}){0,5}) (?:service|dienst|microservice|deployment)(?!\w)",
        re.I,
    ),
)
_NO_NAMES = """
the a an this that our your their my its every each some any no all one is are was were has have and or of to
in for from by with on at which what web new old other another whole single affected faulty failing broken
der die das ein eine el la los las un una le les des du de customer last first since after before when
because bad good level out self full upstream downstream external internal running down up not mesh account
errors error names name
"""
_NO_SERVICE = frozenset(_NO_NAMES.split())
_HOSTS = (
    re.compile(
        r"(?<![\w.@/-])((?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,6}(?:com|net|org|io|dev|local|internal|cloud|app|de|eu|fr|es|example|svc|lan|corp))(?![\w@-])",
        re.I,
    ),
    re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])"),
    re.compile(r"(?<![\w.-])((?:ip|node|host|vm|db|web|srv|pod)-?\d[\w-]{0,40})(?![\w.])", re.I),
)
_CODES = (
    re.compile(r"(?<!\w)(?:http|status|code|error|fehler|erreur)[ :/=#]{1,2}(?:1\.1 |2 )?([1-5]\d\d)(?!\w|\.\d)", re.I),
    re.compile(r"(?<![\w.:-])(50[0-4]|42[29]|40[1348])s?(?![\w:-]|\.\d)"),
    re.compile(r"(?<!\w)(E(?:CONN|TIMED|HOST|ADDR|NO|PIPE|ACCES|PERM|MFILE|NET)[A-Z]{0,12})(?!\w)"),
    re.compile(r"(?<!\w)((?:ORA|SQLSTATE|ERR|TNS|PG|KB|AADSTS|NU|CS|DB2|SQL)[-_ ]?[A-Z0-9_]{3,40})(?!\w)"),
    re.compile(r"(?<!\w)([A-Z][A-Za-z0-9]{2,50}(?:Error|Exception|Fault|Failure))(?!\w)"),
    re.compile(r"(?<!\w)(CrashLoopBackOff|ImagePullBackOff|ErrImagePull|OOMKilled|NXDOMAIN|SERVFAIL|ENOSPC)(?!\w)"),
)
_VERSIONS = (
    re.compile(r"(?<![\w.:/-])(v?\d{1,4}\.\d{1,6}\.\d{1,8}(?:[-+][A-Za-z0-9.]{1,30})?)(?![\w:]|\.\d)", re.I),
    re.compile(r"(?<![\w.])(v\d{1,5}(?:\.\d{1,6})?)(?![\w:]|\.\d)", re.I),
    re.compile(r"(?<!\w)(?:version|release|build)[ :=]{1,2}([0-9][\w.+-]{0,30}\w|[0-9])", re.I),
)
_TIMES = (
    re.compile(r"(?<!\d)(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?Z| ?[+-]\d\d:?\d\d)?)?)(?!\d)"),
    re.compile(
        r"(?<![\d:.T-])([01]?\d:[0-5]\d(?::[0-5]\d)?|2[0-3]:[0-5]\d(?::[0-5]\d)?)(?: ?(?:am|pm|utc|uhr|h))?(?![\d:])",
        re.I,
    ),
    re.compile(
        r"(?<!\w)(yesterday|today|last night|this morning|gestern|heute|ayer|hoy|hier soir|hier|ce matin)(?!\w)", re.I
    ),
)


def entities_of(text: str, known: Iterable[str] = ()) -> Entities:
    """What a text names.

    Args:
        text: from outside; only its beginning is looked at.
        known: names of services that are known already, such as those of a topology: found wherever they stand.
    """
    head = text[:LOOKED_AT]
    hosts = _found(_HOSTS, head)
    by_name = [name for name in dict.fromkeys(known) if _stands_in(name, head)]
    services = [name for name in _found(_SERVICES, head) if name.lower() not in _NO_SERVICE and name not in hosts]
    have = {name.lower() for name in by_name}
    return Entities(
        services=tuple([*by_name, *(name for name in services if name.lower() not in have)][:MOST_OF_EACH]),
        hosts=hosts,
        error_codes=_found(_CODES, head),
        versions=tuple(name for name in _found(_VERSIONS, head) if name not in hosts),
        times=_found(_TIMES, head),
    )


def _stands_in(name: str, text: str) -> bool:
    if not 2 <= len(name) <= _LONGEST:
        return False
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE) is not None


def _found(patterns: Iterable[re.Pattern[str]], text: str) -> tuple[str, ...]:
    """Every match once, in the order of the text."""
    places: dict[str, int] = {}
    for pattern in patterns:
        for match in pattern.finditer(text):
            name = match.group(1)[:_LONGEST]
            places[name] = min(match.start(1), places.get(name, match.start(1)))
    return tuple(sorted(places, key=lambda name: places[name])[:MOST_OF_EACH])
