"""Documents in short: quoted, never made up, and honest about what is missing."""

from __future__ import annotations

from domain.analysis.documents import summarise

CONTRACT = """# Hosting agreement

This agreement is between Northwind Ltd. and Contoso GmbH, and takes effect on 2026-03-01.
The purpose of this agreement is to provide managed hosting for Contoso's web shop.

## 1 Availability

Northwind must keep the web shop available for 99.9 % of each month. Planned maintenance is announced five days ahead.
For each hour of downtime beyond that, Northwind credits 2 % of the monthly fee.

## 2 Fees

The monthly fee is EUR 1,250.00 and is due on the first of each month. Late payments bear interest of 5 %.

## 3 Confidentiality

Each party keeps the other's confidential information secret for three years after the end of the agreement.
"""


def test_summary_quotes_the_weightiest_sentences_in_their_order() -> None:
    found = summarise(CONTRACT, sentences=3)
    assert found.title == "Hosting agreement"
    assert len(found.summary) == 3
    flat = " ".join(CONTRACT.split())
    assert all(sentence in flat for sentence in found.summary)
    assert [flat.index(sentence) for sentence in found.summary] == sorted(flat.index(s) for s in found.summary)
    assert any("99.9 %" in sentence for sentence in found.summary)
    assert "hosting" in found.key_terms or "agreement" in found.key_terms


def test_dates_amounts_and_headings_are_found() -> None:
    found = summarise(CONTRACT)
    assert found.dates == ("2026-03-01",)
    assert "1250.00 EUR" in found.amounts
    assert found.headings == ("Hosting agreement", "1 Availability", "2 Fees", "3 Confidentiality")
    assert found.reading_minutes == 1


def test_abbreviation_does_not_end_a_sentence() -> None:
    found = summarise(CONTRACT, sentences=50)
    assert any("Northwind Ltd. and Contoso GmbH" in sentence for sentence in found.summary)


def test_criteria_are_met_with_evidence_or_reported_missing() -> None:
    found = summarise(CONTRACT, criteria=("confidential information", "late payment", "termination notice"))
    assert [result.met for result in found.criteria] == [True, True, False]
    assert "three years" in found.criteria[0].evidence
    assert found.coverage == 67
    assert not found.complete
    assert found.reasons == ("Nothing in the document covers “termination notice”.",)


def test_words_of_a_criterion_scattered_over_sentences_do_not_meet_it() -> None:
    assert not summarise("The contract is long. A notice hangs on the wall.", criteria=("contract notice",)).complete


def test_document_without_words_is_not_complete() -> None:
    found = summarise(" \n ")
    assert (found.word_count, found.summary, found.complete) == (0, (), False)


def test_document_longer_than_what_is_read_says_so() -> None:
    found = summarise("A plain sentence of some words. " * 10_000)
    assert not found.complete
    assert "longer" in found.reasons[0]
