"""Whom an error blames: the service, host or resource that stands where software names what it called."""

from __future__ import annotations

import re

from integrations.evidence.logs.names import Names

_LOOKED_AT = 1_500
"""Characters of a line that are looked at."""

_HOST = r"[\"'`\[(<]?(?:[a-z][a-z0-9+.]{1,14}://)?(?:[^\s/@]{1,60}@)?([A-Za-z][\w.-]{1,62})"
_CALLED = re.compile(
    r"\b(?:calling|call(?:s|ed)? to|requests? to|connect(?:ing|ion|ions|ed)?,? (?:to|with)"
    r"|upstream(?: service)?|dependency"
    r"|downstream(?: service)?|backend|(?:response|reply|answer|error|failure|status|connection|\d{3}"
    r"|timeout|result)s? from"
    r"|waiting (?:for|on)|contact(?:ing)?|reach(?:ing)?|fetch(?:ing)?(?: \S{1,30})? from|quer(?:y|ying)"
    r"|resolv(?:e|ing)(?: host)?"
    r"|lookup|no such host:?|unknown ?host(?:exception)?:?|dial(?:ing)? (?:tcp|udp)"
    r"|get(?:addrinfo)? (?:enotfound|eai_again)"
    r"|ENOTFOUND|EAI_AGAIN|read(?:ing)? from|writ(?:e|ing) to|publish(?:ing)? to|send(?:ing)? to|sent to"
    r"|retry(?:ing)? (?:call to )?"
    r"|handshake with|certificate (?:for|of|from)|while (?:calling|contacting)|failed to (?:call|reach"
    r"|contact)|against|via"
    r"|timeout(?: on| of)?|invok(?:e|ing)|hostname|breaker (?:for|of)"
    r"|connections? (?:for|of)|pool (?:for|of)|slots? (?:for"
    r"|on))[\s:=]{1,3}" + _HOST,
    re.IGNORECASE,
)
_KEYED = re.compile(
    r"(?<![\w.])(?:upstream|target|dependency|peer(?:[._]service)?|remote|backend|callee|downstream|host"
    r"|endpoint|to|db|database"
    r"|addr|address|url|server|destination|cluster|broker|pool|datasource)=" + _HOST,
    re.IGNORECASE,
)
_URL = re.compile(
    r"(?:https?|grpc|redis|postgres(?:ql)?|mysql|amqp|kafka|mongodb|tcp)://" + _HOST[len(r"[\"'`\[(<]?") :]
)
_WITH_PORT = re.compile(r"(?<![\w./-])([A-Za-z][\w.-]{1,62}):\d{2,5}(?!\w)")
_SUBJECT = re.compile(
    r"(?<![\w.=-])([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*):? (?:call |request |connection "
    r"|client )?(?:timed out|timeout|did not"
    r" (?:answer|respond)|is (?:down|not available|unavailable|unreachable|not responding)|unavailable"
    r"|unreachable|not responding"
    r"|refused|(?:returned|responded(?: with)?|answered|gave|replied) (?:an? |with )?(?:HTTP )?(?:status )?5\d\d)",
)
_CALLER = re.compile(
    r"(?:requests? (?:came )?from|called by|requested by|client|caller|on behalf of|received from"
    r"|origin)[\s:=\"']{1,3}\Z",
    re.IGNORECASE,
)
_NOBODY = frozenset(
    """
    pid tid uid line code exit
    the a an this that it its localhost host server service services upstream downstream backend request
    requests response connection connections query read write socket call calls operation client database db
    remote peer dependency http https tcp udp port address timeout error errors failed failure after while
    during with from to in on at for and or of by is was be been not no null none nil undefined unknown call-id
    user order payment job task message event all any each every new free idle available attempt retry pool
    thread worker process main java org com net sun io go python node handshake certificate lock response-time
    vendor provider host-name reply answer acquire checkout-time transaction lease dns name resolution statement
    result results context deadline status api json body data get post put delete primary replica waiting
    reading writing handler function method user-agent unable could cannot out again reached limit
    """.split()  # noqa: SIM905  # a list of words
)
_LIKE_A_SERVICE = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*\Z")
_FILE = re.compile(
    r"\.(?:java|py|go|js|ts|rb|cs|rs|php|json|ya?ml|xml|log|conf|txt|sql|html|sock|pem|crt|key)\Z", re.IGNORECASE
)


def blamed_by(message: str, names: Names, *, own: str | None, mentioned: bool = True) -> str | None:
    """Whom a line blames: a known service, or whatever name stands where software names what it called.

    Args:
        message: the line.
        names: of known services.
        own: the service that wrote the line; it never blames itself here.
        mentioned: a known service that is merely spoken of counts too.
    """
    text = message[:_LOOKED_AT]
    for pattern in (_CALLED, _KEYED, _URL, _WITH_PORT, _SUBJECT):
        for match in pattern.finditer(text):
            name = _accepted(match.group(1), names, own, sure=pattern in (_KEYED, _URL, _WITH_PORT))
            if name is not None and not _CALLER.search(text, max(0, match.start() - 30), match.start()):
                return name
    return mentioned_in(text, names, own=own) if mentioned else None


def _accepted(word: str, names: Names, own: str | None, *, sure: bool) -> str | None:
    name = word.rstrip(".-_")
    known = names.find(name)
    if known is not None:
        return known if known != own else None
    plain = name.lower()
    if plain in _NOBODY or len(plain) < 3 or _FILE.search(plain) or plain.startswith(("localhost", "127.")):
        return None
    # A word in the middle of a sentence is a name only if it looks like one that somebody gave.
    if not sure and not (_LIKE_A_SERVICE.match(name) and any(mark in name for mark in "-_.")) and names.known:
        return None
    if not _LIKE_A_SERVICE.match(name):
        return None
    named = names.named(name)
    return named if named is not None and named != own else None


def mentioned_in(text: str, names: Names, *, own: str | None) -> str | None:
    """A known service that the line merely speaks of, other than as its caller."""
    if names.mention is None:
        return None
    for match in names.mention.finditer(text):
        known = names.find(match.group())
        if known is not None and known != own and not _CALLER.search(text, max(0, match.start() - 30), match.start()):
            return known
    return None
