"""Full-text search, asked the same of both databases: for every word of a text, which rows have it, how well, and
whether it stands in their title or keywords.

SQLite ranks with bm25, PostgreSQL with ts_rank_cd times the word's rarity, because ts_rank_cd alone takes a common word
for as telling as a rare one. A table that is searched has the columns `id`, `tenant`, `title`, `keywords` and `body`,
an index `<table>_search` on SQLite and a column `search` on PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import TextClause, text

from integrations.store.database.connection import Database

_SQLITE_TERM = """
SELECT rowid AS id, -bm25({table}_search, 8.0, 5.0, 1.0) AS score, 1 AS terms, 0 AS heads
FROM {table}_search WHERE {table}_search MATCH :any{n}
UNION ALL
SELECT rowid, 0.0, 0, 1 FROM {table}_search WHERE {table}_search MATCH :head{n}
"""

_SQLITE = """
SELECT a.*, sum(found.score) AS score, sum(found.terms) AS terms, sum(found.heads) AS heads
FROM ({found}) AS found JOIN {table} AS a ON a.id = found.id
WHERE a.tenant = :tenant AND ({visible})
GROUP BY a.id ORDER BY score DESC, a.id LIMIT :candidates
"""

_POSTGRESQL = """
WITH parsed AS (
    SELECT DISTINCT plainto_tsquery('english', word) AS term FROM unnest(CAST(:words AS text[])) AS word
), asked AS (
    SELECT term, CAST(CAST(term AS text) || '\\:AB' AS tsquery) AS head FROM parsed WHERE numnode(term) > 0
), size AS MATERIALIZED ( -- else a planner without statistics counts anew for every row
    SELECT count(*) AS total FROM {table} WHERE tenant = :tenant
), found AS (
    SELECT a.id, ts_rank_cd('{{0.1, 0.1, 0.5, 1.0}}', a.search, asked.term, 1) AS rank, a.search @@ asked.head AS head,
           count(*) OVER (PARTITION BY asked.term) AS articles
    FROM asked JOIN {table} AS a ON a.search @@ asked.term
    WHERE a.tenant = :tenant AND ({visible})
), scored AS (
    SELECT id, sum(rank * ln(1 + (total - articles + 0.5) / (articles + 0.5))) AS score, count(*) AS terms,
           count(*) FILTER (WHERE head) AS heads
    FROM found CROSS JOIN size GROUP BY id
), best AS (
    SELECT * FROM scored ORDER BY score DESC, id LIMIT :candidates
)
SELECT a.*, best.score, best.terms, best.heads
FROM best JOIN {table} AS a ON a.id = best.id ORDER BY best.score DESC, a.id
"""


def ranked_rows(database: Database, table: str, visible: str, words: list[str]) -> tuple[TextClause, dict[str, Any]]:
    """The question for the rows that have any of the words, best first, with `score`, `terms` and `heads`.

    Args:
        database: which one is asked.
        table: name of the table; a constant of the program.
        visible: SQL condition on the row `a`; a constant of the program.
        words: as `search_terms` gives them.

    Returns:
        The statement, and the values of its words; `tenant`, `candidates` and those of `visible` are the caller's.
    """
    if not database.is_sqlite:
        return text(_POSTGRESQL.format(table=table, visible=visible)), {"words": words}
    found = " UNION ALL ".join(_SQLITE_TERM.format(table=table, n=number) for number in range(len(words)))
    values: dict[str, Any] = {}
    for number, word in enumerate(words):
        values[f"any{number}"] = f'"{word}"'
        values[f"head{number}"] = f'{{title keywords}} : "{word}"'
    return text(_SQLITE.format(table=table, visible=visible, found=found)), values
