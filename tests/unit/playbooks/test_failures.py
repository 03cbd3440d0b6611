"""What a catch sees of a vendor's failure."""

from __future__ import annotations

from typing import Any

import pytest

from domain.playbook.failures import fault_of_failure


def data(said: Any, *, refused: bool = True) -> Any:
    details = {"vendor": "shop", "code": "409", "status": 409, "data": said}
    fault = fault_of_failure("No.", kind="VendorRefused", refused=refused, details=details, reference="/do/0/a")
    return fault.error.data


def test_what_the_vendor_said_stands_beside_what_we_know() -> None:
    assert data({"error": {"code": "out_of_stock"}}) == {
        "error": {"code": "out_of_stock"}, "vendor": "shop", "code": "409", "status": 409, "exhausted": False,
    }  # fmt: skip


@pytest.mark.parametrize("refused", [True, False])
def test_no_vendor_says_for_us_whether_a_failure_is_final(refused: bool) -> None:
    seen = data({"exhausted": refused, "vendor": "bank", "status": 200}, refused=refused)
    assert (seen["exhausted"], seen["vendor"], seen["status"]) == (not refused, "shop", 409)


def test_words_that_are_no_map_are_kept_under_a_name() -> None:
    assert data("Sorry")["said"] == "Sorry"


def test_a_call_that_took_too_long_might_still_pass() -> None:
    fault = fault_of_failure("Late.", kind=None, refused=False, details={}, reference="/do/0/a")
    assert (fault.exhausted, fault.error.data) == (True, {"exhausted": True})
