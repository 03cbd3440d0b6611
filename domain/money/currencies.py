"""What amounts in other currencies are worth in the tenant's own: for limits and authority, never to charge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.model import Value

Code = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Currencies(Value):
    """The tenant's own currency, and rough rates into it."""

    own: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    """ISO 4217. Empty takes every amount as it is, whatever its currency."""
    rates: dict[Code, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """What one unit of another currency is worth in the tenant's own."""

    def in_own(self, amount: float, code: str) -> float | None:
        """An amount in the tenant's own currency, to the cent; None when nobody said what that currency is worth."""
        if not self.own or code.upper() == self.own:
            return amount
        rate = self.rates.get(code.upper())
        return None if rate is None else round(amount * rate, 2)
