"""The knowledge base: articles with full-text search, ranked by the database.

Both databases are asked the same: for every word of the text, which articles have it, how well, and whether it stands
in their title or keywords. SQLite ranks with bm25, PostgreSQL with ts_rank_cd times the word's rarity, because
ts_rank_cd alone takes a common word for as telling as a rare one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, TextClause, select, text

from domain.knowledge import Article, ArticleHit
from integrations.store.database import Database
from integrations.store.search_terms import search_terms
from integrations.store.tables import articles

EXCERPT_LIMIT = 1200
"""Characters of a hit's excerpt: enough for a procedure, and small enough for a workflow's history."""

_CANDIDATES = 12

_SQLITE_TERM = """
SELECT rowid AS id, -bm25(articles_search, 8.0, 5.0, 1.0) AS score, 1 AS terms, 0 AS heads
FROM articles_search WHERE articles_search MATCH :any{n}
UNION ALL
SELECT rowid, 0.0, 0, 1 FROM articles_search WHERE articles_search MATCH :head{n}
"""

_SQLITE = """
SELECT a.article_id, a.title, a.body, a.url, sum(found.score) AS score, sum(found.terms) AS terms,
       sum(found.heads) AS heads
FROM ({found}) AS found JOIN articles AS a ON a.id = found.id
WHERE a.tenant = :tenant AND (a.public OR NOT :public_only)
GROUP BY a.id ORDER BY score DESC, a.id LIMIT :candidates
"""

_POSTGRESQL = """
WITH parsed AS (
    SELECT DISTINCT plainto_tsquery('english', word) AS term FROM unnest(CAST(:words AS text[])) AS word
), asked AS (
    SELECT term, CAST(CAST(term AS text) || '\\:AB' AS tsquery) AS head FROM parsed WHERE numnode(term) > 0
), size AS MATERIALIZED ( -- else a planner without statistics counts anew for every row
    SELECT count(*) AS total FROM articles WHERE tenant = :tenant
), found AS (
    SELECT a.id, ts_rank_cd('{0.1, 0.1, 0.5, 1.0}', a.search, asked.term, 1) AS rank, a.search @@ asked.head AS head,
           count(*) OVER (PARTITION BY asked.term) AS articles
    FROM asked JOIN articles AS a ON a.search @@ asked.term
    WHERE a.tenant = :tenant AND (a.public OR NOT :public_only)
), scored AS (
    SELECT id, sum(rank * ln(1 + (total - articles + 0.5) / (articles + 0.5))) AS score, count(*) AS terms,
           count(*) FILTER (WHERE head) AS heads
    FROM found CROSS JOIN size GROUP BY id
), best AS (
    SELECT * FROM scored ORDER BY score DESC, id LIMIT :candidates
)
SELECT a.article_id, a.title, a.body, a.url, best.score, best.terms, best.heads
FROM best JOIN articles AS a ON a.id = best.id ORDER BY best.score DESC, a.id
"""


class SqlKnowledgeBase:
    """`domain.ports.KnowledgeBase` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, tenant: str, text: str, *, limit: int = 3, public_only: bool = True) -> list[ArticleHit]:
        """The best articles for a text, best first; an empty list when nothing fits.

        Args:
            tenant: whose articles.
            text: a customer's own words, searched for word by word; signs in them mean nothing.
            limit: the most hits to return.
            public_only: leave out what no person has reviewed.
        """
        words = search_terms(text)
        if not words or limit < 1:
            return []
        statement, values = self._question(words)
        values |= {"tenant": tenant, "public_only": public_only, "candidates": max(limit, _CANDIDATES)}
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement, values)).mappings().all()
        return [_hit(row) for row in _relevant(rows, len(words))[:limit]]

    async def add(self, tenant: str, article: Article) -> None:
        """Add or replace an article by its id."""
        await self._put(tenant, article)

    async def add_shipped(self, tenant: str, article: Article, digest: str) -> None:
        """Add or replace an article that ships with the product, and remember the file it came from.

        Args:
            tenant: whose article.
            article: the article.
            digest: SHA-256 of the file, as `shipped` returns it.
        """
        await self._put(tenant, article, seed_digest=digest)

    async def shipped(self, tenant: str) -> dict[str, str]:
        """The shipped articles a tenant has: article id -> digest of the file it was last filled from."""
        query = select(articles.c.article_id, articles.c.seed_digest).where(
            articles.c.tenant == tenant, articles.c.seed_digest.is_not(None)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {row.article_id: row.seed_digest for row in rows}

    async def find(self, tenant: str, article_id: str) -> Article | None:
        """The whole article."""
        query = select(articles).where(articles.c.tenant == tenant, articles.c.article_id == article_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        fields = {name: row[name] for name in Article.model_fields}
        return Article.model_validate(fields | {"keywords": tuple(row["keywords"].splitlines())})

    async def _put(self, tenant: str, article: Article, **more: str) -> None:
        row = article.model_dump() | more | {"tenant": tenant}
        row["keywords"] = "\n".join(" ".join(keyword.split()) for keyword in article.keywords)
        row["created_at"] = article.created_at or datetime.now(UTC)
        kept = {"tenant", "article_id"} if article.created_at else {"tenant", "article_id", "created_at"}
        insert = self._database.insert(articles)
        statement = insert.on_conflict_do_update(
            index_elements=["tenant", "article_id"],
            set_={name: insert.excluded[name] for name in row if name not in kept},
        )
        async with self._database.writing() as connection:
            await connection.execute(statement, row)

    def _question(self, words: list[str]) -> tuple[TextClause, dict[str, Any]]:
        if not self._database.is_sqlite:
            return text(_POSTGRESQL), {"words": words}
        found = " UNION ALL ".join(_SQLITE_TERM.format(n=number) for number in range(len(words)))
        values: dict[str, Any] = {}
        for number, word in enumerate(words):
            values[f"any{number}"] = f'"{word}"'
            values[f"head{number}"] = f'{{title keywords}} : "{word}"'
        return text(_SQLITE.format(found=found)), values


def _relevant(rows: Sequence[RowMapping], asked: int) -> list[RowMapping]:
    """Rows that are about the text. One shared word in a long text is chance, unless the article is named after it."""
    named = [row for row in rows if row["heads"] and (row["terms"] >= 2 or asked <= 4)]
    if not named:
        return []
    best = named[0]["score"]
    return [row for row in named if row["score"] >= best * 0.35]


def _hit(row: RowMapping) -> ArticleHit:
    return ArticleHit(
        article_id=row["article_id"],
        title=row["title"],
        excerpt=_excerpt(row["body"]),
        url=row["url"],
        score=round(float(row["score"]), 4),
    )


def _excerpt(body: str) -> str:
    """The beginning of an article, cut between lines where it can be."""
    if len(body) <= EXCERPT_LIMIT:
        return body
    cut = body[:EXCERPT_LIMIT]
    end = cut.rfind("\n")
    return (cut[:end] if end > EXCERPT_LIMIT // 2 else cut).rstrip()
