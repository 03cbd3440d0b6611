"""What is recognised in arguments and texts, before any rule is looked at.

An expression asks for a signal by name: `.signals.internal_address`. A signal that was not found is null. One that was
found lists where, as paths; never what stood there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from domain.guarding import patterns
from domain.guarding.addresses import URL, host_of, is_known_host, is_off_limits, is_own_machine
from domain.model import JsonValue
from domain.text.normalise import INVISIBLE
from domain.text.redaction import findings, is_secret_name
from domain.tools.tool import ToolBrief

SIGNALS = frozenset(
    {
        "shell",  # a command, an option or, in the name of a target, a character that a shell interprets
        "path_traversal",  # leaves its folder, or names a place of the system
        "internal_address",  # a URL to an internal host or with another scheme than HTTP
        "environment",  # reads a process's environment or makes it load something
        "query_injection",  # breaks out of a value into a query, or a regular expression that takes for ever
        "attack_in_text",  # one of the above, in a sentence for people
        "destructive",  # a statement or command that destroys
        "wildcard",  # the target is everything
        "production",  # the target is production
        "destroying_tool",  # the tool's name or capability says that it takes something away
        "secrets",  # keys, tokens, passwords
        "protected_numbers",  # card, bank account and social security numbers
        "personal",  # e-mail addresses, phone numbers, IP addresses
        "personal_of_others",  # of these and of the protected numbers, those that are not the reader's own
        "foreign_links",  # links to hosts that are not in the allow-list
        "instructions",  # words that speak to a machine
        "oversized",  # more than can be looked through
    }
)
_MENTIONED = frozenset({"shell", "path_traversal", "internal_address", "environment"})
"""What counts in a sentence too. Quotation marks and words of SQL are everyday words there."""
LONGEST = 100_000
"""Characters that are looked through. More than this goes nowhere unasked."""
DEEPEST = 40
_KEY = "<key>"
"""Stands in a path for the name of an argument, which is looked at like a value."""
_JOINED = "<joined>"
"""Stands in a path for the parts of a list as one text."""
_PROTECTED = frozenset({"CARD", "IBAN", "SSN"})
_PERSONAL = frozenset({"EMAIL", "PHONE", "IP"})
_HIDDEN = re.compile(f"[{INVISIBLE}\u200c\u200d]|[\U000e0000-\U000e007f]")
_LINK = re.compile(
    r"(?i)(?<![\w@])(?:[a-z][a-z0-9+.-]{1,20}:(?://|\\\\)[^\s<>\"'\]|]{1,2000}|www\.[^\s<>\"'\]|]{1,500}"
    r"|//[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}[^\s<>\"'\]|]{0,500}|(?:javascript|data|vbscript|mailto):[^\s<>\"'\]|]{1,500}"
    r"|(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12}/[^\s<>\"'\])|]{0,500})"
)

Texts = Sequence[tuple[tuple[str, ...], str]]
"""Path and text of everything that is said in a JSON value."""


def call_signals(
    arguments: Mapping[str, JsonValue], tool: ToolBrief, target_hosts: Sequence[str]
) -> dict[str, JsonValue]:
    """What the arguments of a call hold.

    Args:
        arguments: of the call.
        tool: what is called.
        target_hosts: internal hosts that may be named.
    """
    found: dict[str, list[str]] = {}
    texts, oversized = _all_texts(arguments)
    for path, text in texts:
        place = ".".join(("arguments", *(part for part in path if part not in (_KEY, _JOINED))))
        for signal in sorted(_attacks(path, text, target_hosts)):
            _note(found, signal, place)
        for signal, _ in _data_in(text):
            _note(found, signal, place)
        if patterns.INSTRUCTIONS.search(text):
            _note(found, "instructions", place)
    for place in _secret_places(arguments):
        _note(found, "secrets", place)
    words = {word for name in (tool.name, *tool.capabilities) for word in re.split(r"[^a-z]+", _snake(name))}
    if words & patterns.DESTROYING_WORDS:
        _note(found, "destroying_tool", tool.name)
    if oversized:
        _note(found, "oversized", "arguments")
    return dict(found)


def text_signals(value: JsonValue, own: Sequence[JsonValue], link_hosts: Sequence[str]) -> dict[str, JsonValue]:
    """What a text, or a JSON value with texts, holds.

    Args:
        value: the words.
        own: what belongs to the reader, as a list of texts.
        link_hosts: hosts that links and addresses may name.
    """
    found: dict[str, list[str]] = {}
    texts, oversized = _all_texts(value)
    mine = {_bare(one) for one in own if isinstance(one, str)}
    for path, text in texts:
        place = ".".join(path) or "text"
        for signal, words in _data_in(text):
            _note(found, signal, place)
            theirs = _bare(words) not in mine and not is_known_host(words.rpartition("@")[2].casefold(), link_hosts)
            if signal in ("personal", "protected_numbers") and theirs:
                _note(found, "personal_of_others", place)
        if any(not is_known_host(host_of(link), link_hosts) for link in links_in(text)):
            _note(found, "foreign_links", place)
        if patterns.INSTRUCTIONS.search(_plain(text)):
            _note(found, "instructions", place)
    for place in _secret_places(value):
        _note(found, "secrets", place)
    if oversized:
        _note(found, "oversized", "text")
    return dict(found)


def links_in(text: str) -> Iterator[str]:
    """Everything that a mail program or chat would make a link of."""
    for match in _LINK.finditer(text):
        yield match.group(0)


def joined_text(value: JsonValue) -> str:
    """All texts of a JSON value, one a line, as far as they are looked through."""
    return value[:LONGEST] if isinstance(value, str) else "\n".join(text for _, text in _all_texts(value)[0])


def _attacks(path: tuple[str, ...], text: str, target_hosts: Sequence[str]) -> frozenset[str]:
    """Signals of one argument, in any spelling of its value. In a sentence for people, an attack is only a mention."""
    names = _names(path)
    found: set[str] = set()
    for spelling in dict.fromkeys((text, *_spellings(text))):
        found.update(_injections(names, spelling, target_hosts))
        found.update(_reaches(names, spelling))
    if names & patterns.PROSE_NAMES and len(text.split()) > 1:
        return frozenset({"attack_in_text"}) if found & _MENTIONED else frozenset()
    return frozenset(found)


def _injections(names: frozenset[str], text: str, target_hosts: Sequence[str]) -> Iterator[str]:
    """Breaking out of what the argument is for."""
    urls = URL.findall(text)
    is_url = len(urls) == 1 and urls[0] == text.strip()
    target = names & patterns.TARGET_NAMES and not names & (patterns.PROSE_NAMES | patterns.PATTERN_NAMES)
    if (
        patterns.SHELL.search(text)
        or patterns.OPTION.match(text)
        or (target and not is_url and patterns.SHELL_CHARACTERS.search(text))
    ):
        yield "shell"
    if (
        patterns.TRAVERSAL.search(text)
        or patterns.SENSITIVE_PATH.search(text)
        or (names & patterns.PATH_NAMES and patterns.ABSOLUTE.match(text))
    ):
        yield "path_traversal"
    if any(is_off_limits(url, target_hosts) for url in urls) or (
        names & patterns.HOST_NAMES and text.strip() not in target_hosts and is_own_machine(_without_port(text.strip()))
    ):
        yield "internal_address"
    if patterns.ENVIRONMENT.search(text) or (
        names & patterns.COMMAND_NAMES and patterns.ENVIRONMENT_COMMAND.match(text)
    ):
        yield "environment"
    if (
        patterns.QUERY.search(text)
        or (not names & patterns.QUERY_NAMES and patterns.BREAKOUT.search(text))
        or (names & patterns.PATTERN_NAMES and patterns.NESTED_QUANTIFIER.search(text))
    ):
        yield "query_injection"


def _reaches(names: frozenset[str], text: str) -> Iterator[str]:
    """How much the argument is about."""
    if patterns.DESTRUCTIVE.search(text):
        yield "destructive"
    if names & patterns.WHOLE_NAMES and patterns.WILDCARD.match(text):
        yield "wildcard"
    if _KEY not in names and len(text) < 200 and patterns.PRODUCTION.search(text):
        yield "production"


def _spellings(text: str) -> Iterator[str]:
    """What the text turns into on its way: invisible characters gone, compatible letters, percent signs decoded."""
    plain = _plain(text)
    yield plain
    for _ in range(3):
        # Two bytes for one ASCII letter are no UTF-8, and lenient decoders take them all the same.
        decoded = unquote(re.sub(r"(?i)%c0%(?:ae|2e)", ".", re.sub(r"(?i)%c0%af|%c1%9c", "/", plain)))
        if decoded == plain:
            return
        plain = decoded
        yield plain


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", _HIDDEN.sub("", text))


def _without_port(host: str) -> str:
    return re.sub(r"(?<=[^:]):\d{1,5}\Z", "", host)


def _data_in(text: str) -> Iterator[tuple[str, str]]:
    for kind, words in findings(text):
        if kind == "SECRET":
            yield "secrets", words
        elif kind in _PROTECTED:
            yield "protected_numbers", words
        elif kind in _PERSONAL:
            yield "personal", words


def _secret_places(value: JsonValue, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Where a key such as `password` says what its value is."""
    if len(path) > DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, str) and inner and is_secret_name(str(key)):
                yield ".".join((*path, str(key)))
            yield from _secret_places(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _secret_places(inner, (*path, str(number)))


def _all_texts(value: JsonValue) -> tuple[Texts, bool]:
    """Texts with their paths, keys included, lists of texts also joined; and whether that was not all."""
    texts: list[tuple[tuple[str, ...], str]] = []
    left = LONGEST
    for path, text in _walk(value, ()):
        if text is None or len(text) > left:
            return texts, True
        left -= len(text)
        texts.append((path, text))
    return texts, False


def _walk(value: JsonValue, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # 2130706433 is an address, and 4111111111111111 a card number.
        yield path, str(value)
    elif isinstance(value, Mapping | list | tuple) and len(path) >= DEEPEST:
        yield path, None
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            # With `=` behind it, a variable's name is found in `{"env": {"LD_PRELOAD": ...}}` too.
            yield (*path, _KEY), f"{key}="
            yield from _walk(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _walk(inner, (*path, str(number)))
        words = [word for word in value if isinstance(word, str)]
        if len(words) > 1:
            # An attack may be spread over the parts of a command line.
            yield (*path, _JOINED), " ".join(words)


def _names(path: tuple[str, ...]) -> frozenset[str]:
    """The argument's own name and its words; a list's name stands for its parts'."""
    named = [part for part in path if not part.isdigit() and part != _JOINED][-1:]
    return frozenset(word for part in named for word in (_snake(part), *re.split(r"[^a-z0-9]+", _snake(part))) if word)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _bare(words: str) -> str:
    return re.sub(r"[\s().+/-]", "", words).casefold()


def _note(found: dict[str, list[str]], signal: str, place: str) -> None:
    places = found.setdefault(signal, [])
    if place not in places and len(places) < 20:
        places.append(place)
