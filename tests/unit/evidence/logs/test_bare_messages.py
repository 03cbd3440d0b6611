"""Errors without a word of their own."""

from __future__ import annotations

import pytest

from integrations.evidence.logs.bare import is_bare


@pytest.mark.parametrize(
    "message",
    [
        "request failed status=500 id=4f2b4f965851",
        "Internal Server Error: /basket/lines",
        "Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception",
        "unhandled error in POST /v2/invoices",
        "GET /stock/77 -> HTTP 500",
        "",
    ],
)
def test_that_something_failed_says_nothing_of_why(message: str) -> None:
    assert is_bare(message)


@pytest.mark.parametrize(
    "message",
    [
        "NullPointerException in PriceList.total",
        "request to payments failed",
        "cannot apply discount: no such tier",
        "Internal Server Error: division by zero",
    ],
)
def test_one_word_more_may_tell(message: str) -> None:
    assert not is_bare(message)
