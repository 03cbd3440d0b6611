"""Every error that Surehand raises on purpose, drawn once.

SurehandError
├── InvalidInput            what somebody gave us cannot be used; the sentence says what to change
├── ConfigurationProblem    a setting or a configuration file is wrong; the sentence says what to do
├── NotReachable            a server we need does not answer
├── UnknownCase             nobody knows a case by that name
├── Refused                 a case, as it stands now, does not take what was asked; the sentence says why
└── VendorError             something outside answered, or did not, and one vendor's client says what to do
    ├── VendorUnavailable   try again, after `retry_after` where the vendor said so
    │   └── VendorThrottled the vendor asked us to slow down
    ├── OutcomeUnknown      the request left us and no answer came: it may have taken effect
    └── VendorRefused       trying again cannot help (bad request, bad credentials, no such channel)
        └── NotFoundAtVendor   the thing it is about is gone
"""

from __future__ import annotations

from datetime import timedelta

from domain.model import JsonValue


class SurehandError(Exception):
    """The root. Its text is one sentence for a person, and carries nothing secret or personal."""


class InvalidInput(SurehandError):
    """Input that cannot be used as it is."""


class ConfigurationProblem(SurehandError):
    """A setting or configuration file that cannot be used as it is."""


class NotReachable(SurehandError):
    """A server we need (Temporal, the store) does not answer."""


class UnknownCase(SurehandError):
    """There is no case by that name, or it is another tenant's: the two must look the same from outside."""


class Refused(SurehandError):
    """A case does not take what was asked: it is closed, somebody else has it, the arguments changed."""


class VendorError(SurehandError):
    """What went wrong at a vendor.

    Attributes:
        vendor: short name, such as `slack`.
        code: the vendor's own word or status for it, such as `channel_not_found` or `503`.
        status: HTTP status of the answer, where there was one.
        data: a piece of what the vendor said, capped; text from outside, for a playbook that catches the error.
    """

    data: JsonValue = None

    def __init__(self, vendor: str, code: str, message: str, *, status: int | None = None) -> None:
        """Keep the vendor, its code and the status beside the sentence."""
        super().__init__(message)
        self.vendor = vendor
        self.code = code
        self.status = status


class VendorUnavailable(VendorError):
    """Trying again may help."""

    def __init__(
        self,
        vendor: str,
        code: str,
        message: str,
        *,
        retry_after: timedelta | None = None,
        status: int | None = None,
    ) -> None:
        """Keep the vendor's own wish for the delay, where it gave one."""
        super().__init__(vendor, code, message, status=status)
        self.retry_after = retry_after


class VendorThrottled(VendorUnavailable):
    """The vendor asked us to slow down."""


class OutcomeUnknown(VendorError):
    """The request may have taken effect; a repeat must carry the same idempotency key."""


class VendorRefused(VendorError):
    """Trying again cannot help."""


class NotFoundAtVendor(VendorRefused):
    """The ticket, contact, message or channel does not exist (any more)."""
