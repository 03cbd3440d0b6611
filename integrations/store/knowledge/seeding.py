"""Fills a tenant's knowledge base with the articles that ship with the product (`config/knowledge/*.md`)."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from domain.errors import ConfigurationProblem
from domain.knowledge.articles import Article
from integrations.store.knowledge.articles import SqlKnowledgeBase

_FENCE = "---\n"


async def seed_articles(base: SqlKnowledgeBase, tenant: str, directory: Path, *, help_centre: str | None = None) -> int:
    """Add the articles of a directory that are new or changed since the last time.

    An unchanged file is skipped, so what a person made of its article stays. A file's name is its article's id.

    Args:
        base: the knowledge base to fill.
        tenant: whose knowledge base.
        directory: folder of Markdown files with YAML front matter (title, category, keywords, url).
        help_centre: address of the tenant's help centre, which an article's relative `url` is joined to. Without it
            such articles have no address: better none than one that leads nowhere.

    Returns:
        How many articles were written.

    Raises:
        ConfigurationProblem: a file cannot be read as an article.
    """
    files = await asyncio.to_thread(_read_files, directory)
    known = await base.shipped(tenant)
    written = 0
    for file, content in files.items():
        digest = hashlib.sha256(content + (help_centre or "").encode()).hexdigest()
        if known.get(file.stem) != digest:
            article = read_article(file, content)
            await base.add_shipped(tenant, _located(article, help_centre), digest)
            written += 1
    return written


def read_article(file: Path, content: bytes) -> Article:
    """Read a Markdown file with front matter as an article.

    Args:
        file: its path; the name without `.md` is the article's id.
        content: its bytes.

    Raises:
        ConfigurationProblem: the front matter is missing or wrong.
    """
    import yaml  # noqa: PLC0415 - most starts find no changed file

    try:
        start, front, body = content.decode().split(_FENCE, 2)
        if start:
            raise ValueError("text before the front matter")
        fields = yaml.safe_load(front)
        if fields.pop("id", file.stem) != file.stem:
            raise ValueError("id differs from the file's name")
        # YAML reads a keyword such as 429 as a number.
        fields["keywords"] = tuple(str(keyword) for keyword in fields.get("keywords") or ())
        return Article(article_id=file.stem, body=body.strip(), **fields)
    except (ValueError, TypeError, AttributeError, yaml.YAMLError, ValidationError):
        raise ConfigurationProblem(
            f"{file.name} is no knowledge article: begin it with front matter between two lines of ---, with title, "
            "category, keywords, url and an id that is the file's name."
        ) from None


def _located(article: Article, help_centre: str | None) -> Article:
    if article.url is None or urlsplit(article.url).scheme:
        return article
    url = f"{help_centre.rstrip('/')}/{article.url.lstrip('/')}" if help_centre else None
    return article.model_copy(update={"url": url})


def _read_files(directory: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in sorted(directory.glob("*.md")) if file.stem != "README"}
