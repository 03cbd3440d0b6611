"""Judges a statement before any database sees it: one query that reads, with known functions only.

The database's own read-only mode is what stops writes. This stops what such a mode lets pass: files of the server,
other connections, sessions of others, and SQL that is hidden in text for a function to run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from integrations.tools.provider import NotAllowed

LONGEST = 20_000
Scalar = str | int | float | bool | None
"""What can be bound to a place in a statement."""

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\f]+)
  | (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<number>\d[\w.]*|\.\d[\w]*)
  | (?P<word>[^\W\d]\w*)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<end>;)
  | (?P<sign>[-+*/%<>=!~^&|@#?:.,\[\]{}]+?)
    """,
    re.VERBOSE,
)

_WRITES = frozenset("insert update delete merge into copy call attach detach pragma vacuum grant truncate".split())  # noqa: SIM905

_OFF_LIMITS = frozenset(
    """
    pg_authid pg_shadow pg_user_mapping pg_user_mappings pg_hba_file_rules pg_ident_file_mappings pg_file_settings
    pg_largeobject pg_largeobject_metadata pg_subscription pg_foreign_server pg_config pg_db_role_setting
    """.split()  # noqa: SIM905 - a list of quoted words would read worse
)
"""Tables with passwords, files or settings of the server; most need more rights than a reader has."""

_BEFORE_PARENTHESES = frozenset(
    """
    select from where and or not in exists any all some over filter on using by having limit offset as values union
    intersect except case when then else between like ilike is distinct join lateral within group order partition with
    materialized recursive interval array row cube rollup sets grouping similar to escape end
    varchar char character numeric decimal timestamp timestamptz time bit
    """.split()  # noqa: SIM905
)

FUNCTIONS = frozenset(
    """
    count sum avg min max total array_agg string_agg group_concat json_agg jsonb_agg bool_and bool_or every
    percentile_cont percentile_disc mode stddev stddev_pop stddev_samp variance var_pop var_samp corr
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    coalesce nullif ifnull iif greatest least abs round ceil ceiling floor trunc mod power sqrt ln log exp sign
    length char_length character_length octet_length lower upper initcap trim btrim ltrim rtrim substr substring left
    right position strpos instr replace split_part concat concat_ws reverse starts_with md5
    cast extract date_part date_trunc date_bin age now date datetime time julianday strftime unixepoch make_date
    to_char to_date to_timestamp to_number justify_days justify_hours
    json_extract json_array_length jsonb_array_length json_extract_path_text jsonb_extract_path_text
    jsonb_array_elements jsonb_array_elements_text json_array_elements json_array_elements_text
    jsonb_object_keys json_object_keys
    jsonb_each_text json_each_text json_each jsonb_each json_typeof jsonb_typeof json_type
    unnest array_length cardinality array_to_string typeof
    pg_size_pretty pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size
    pg_blocking_pids pg_postmaster_start_time pg_is_in_recovery pg_last_xact_replay_timestamp
    """.split()  # noqa: SIM905
)
"""What a statement may call. Everything else is refused, so that nobody has to know every function that does harm."""


@dataclass(frozen=True)
class Statement:
    """A statement that may be asked."""

    sql: str
    """Without a semicolon at its end."""
    explains: bool
    """It asks for a plan."""
    members: tuple[str, ...] = ()
    """Names after a full stop. PostgreSQL reads `x.f` as a call of f when x has no column f."""
    places: tuple[tuple[int, int, str], ...] = ()
    """Where a parameter stands as `:name`: from, to, and its name. Its value is bound and never becomes text of it."""


def checked(sql: str, parameters: Collection[str] = ()) -> Statement:
    """Refuse a text that is anything but one query that reads.

    Args:
        sql: from outside.
        parameters: names of the values that are given beside it.

    Raises:
        NotAllowed: the sentence says why and repeats nothing of it.
    """
    if len(sql) > LONGEST:
        raise NotAllowed(f"The query is longer than {LONGEST:,} characters: shorten it.")
    tokens = list(_tokens(sql))
    while tokens and tokens[-1][0] == "end":
        tokens.pop()
    if not tokens or any(kind == "end" for kind, _, _ in tokens):
        raise NotAllowed("One statement is asked at a time: leave out everything after the first.")
    words = [value for kind, value, _ in tokens if kind == "word"]
    explains = tokens[0][1] == "explain"
    start = next((value for kind, value, _ in tokens if value not in ("explain", "analyze", "verbose")), "")
    if start not in ("select", "with") or tokens[0][0] != "word":
        raise NotAllowed("Only a query is asked: begin it with SELECT, WITH or EXPLAIN.")
    if _WRITES.intersection(words) or ("analyze" in words and not explains):
        raise NotAllowed("Only a query that reads is asked: take out what writes, or quote a column of that name.")
    _check_names(tokens)
    _check_nesting(tokens)
    last = tokens[-1]
    members = {
        name for (_, before, _), (kind, name, _) in pairwise(tokens) if before == "." and kind in ("word", "quoted")
    }
    places = tuple(_places(sql, tokens, parameters))
    if {name for _, _, name in places} != set(parameters):
        raise NotAllowed("The query has no place for one of its parameters: write it there as :name.")
    return Statement(sql[: last[2]], explains, tuple(sorted(members)), places)


def _places(sql: str, tokens: list[Token], parameters: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """`:name` of each parameter; `::name` is a cast, and text in quotes is no place."""
    before = ""
    for (_, sign, start), (kind, _, end) in pairwise(tokens):
        name = sql[start:end]
        if sign == ":" and before != ":" and kind == "word" and name in parameters:
            yield start - 1, end, name
        before = sign


Token = tuple[str, str, int]
"""Kind, name in the database's spelling, and where it ends."""


def _tokens(sql: str) -> Iterator[Token]:
    place = 0
    while place < len(sql):
        found = _TOKEN.match(sql, place)
        if found is None or "\x00" in found.group():
            raise NotAllowed("The query has something in it that is not read here: close every quote.")
        place, kind = found.end(), found.lastgroup or ""
        if kind == "space":
            continue
        if found.group() + sql[place : place + 1] in ("/*", "--"):
            # Databases end comments at different characters, so none is read here.
            raise NotAllowed("The query has a comment in it: take it out.")
        if kind == "text" and found.start() and (sql[found.start() - 1].isalnum() or sql[found.start() - 1] in "_&"):
            raise NotAllowed("The query has a text with a prefix, such as E'': write it as a plain text.")
        if kind == "quoted" and sql[found.start() - 1 : found.start()] == "&":
            raise NotAllowed("The query has a name with a prefix, such as U&: write it plainly.")
        name = found.group()
        yield kind, name[1:-1].replace('""', '"') if kind == "quoted" else name.lower(), place


def _check_names(tokens: list[Token]) -> None:
    for number, (kind, name, _) in enumerate(tokens):
        if kind not in ("word", "quoted"):
            continue
        if name.lower() in _OFF_LIMITS:
            raise NotAllowed("The query reads a table of the server's own secrets: leave it out.")
        if number + 1 == len(tokens) or tokens[number + 1][0] != "open":
            continue
        qualified = number > 0 and tokens[number - 1][1] == "."
        known = name in FUNCTIONS or (kind == "word" and name in _BEFORE_PARENTHESES)
        if qualified or not known:
            raise NotAllowed("The query calls a function that is not listed: docs/builtin-tools.md has the list.")


def _check_nesting(tokens: list[Token]) -> None:
    """The query is put into another one: it must not close what it did not open."""
    depth = 0
    for kind, _, _ in tokens:
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if depth < 0:
            break
    if depth:
        raise NotAllowed("The query's parentheses do not match: correct it.")
