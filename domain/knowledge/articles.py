"""Knowledge: articles that answer customers, and what closed cases taught us."""

from __future__ import annotations

from datetime import datetime

from domain.model import Value
from domain.triage.classification import Category


class Article(Value):
    """A knowledge article."""

    article_id: str
    title: str
    body: str
    """Markdown."""
    url: str | None = None
    category: Category | None = None
    keywords: tuple[str, ...] = ()
    public: bool = True
    """May be shown to customers. Entries learned from cases are not public until a person reviewed them."""
    source_case: str | None = None
    created_at: datetime | None = None


class ArticleHit(Value):
    """A search result; `body` is only an excerpt, to keep histories small."""

    article_id: str
    title: str
    excerpt: str
    url: str | None = None
    score: float = 0.0
