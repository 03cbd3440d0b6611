"""The knowledge base: articles with full-text search, ranked by the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import RowMapping, select

from domain.knowledge.articles import Article, ArticleHit
from integrations.store.database.connection import Database
from integrations.store.database.full_text import ranked_rows
from integrations.store.database.search_terms import search_terms
from integrations.store.tables.knowledge import articles

EXCERPT_LIMIT = 1200
"""Characters of a hit's excerpt: enough for a procedure, and small enough for a workflow's history."""

_CANDIDATES = 12

_VISIBLE = "a.public OR NOT :public_only"


class SqlKnowledgeBase:
    """`domain.ports.knowledge.KnowledgeBase` on a `Database`."""

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
        statement, values = ranked_rows(self._database, "articles", _VISIBLE, words)
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
