"""What a ticket reports of a service that fails for more than one customer."""

from __future__ import annotations

from domain.model import Term, Value


class Symptom(Term):
    """How a service fails."""

    OUTAGE = "outage"
    ERRORS = "errors"
    SLOW = "slow"
    DATA_LOSS = "data_loss"


class Disruption(Value):
    """A disruption, as a ticket reports it. Rules read it from the customer's words; it repeats none of them."""

    symptoms: tuple[Symptom, ...]
    functions: tuple[str, ...] = ()
    """What fails, in the words of `keywords.yaml`: `login`, `payments`, ..."""
    wide: bool = False
    """The text says that it reaches many people."""
    pressing: bool = False
    """An outage of critical or urgent priority."""
    doubtful: bool = False
    """Words aimed at an automatic reader, or so much named that it fits anything: people judge it."""
    reasons: tuple[str, ...] = ()
    """For people."""


class Affected(Value):
    """What a text says about what fails, and how."""

    symptoms: tuple[Symptom, ...] = ()
    functions: tuple[str, ...] = ()
