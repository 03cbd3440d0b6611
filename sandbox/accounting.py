"""Accounts: invoices, credit notes and journal entries. Nothing is deleted: it is voided or reversed."""

from __future__ import annotations

from typing import Any

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, JsonVendor, Way

_REFERENCE = fields.text(longest=200)
_CURRENCY = fields.text(pattern=r"[A-Z]{3}")
_CUSTOMER = {"id": fields.text(longest=100), "name": fields.text(None)}
_LINE = {
    "description": fields.text(),
    "quantity": fields.whole(1, 100_000),
    "unit_amount": fields.whole(0),
}
_BOOKING = {
    "account": fields.text(longest=20, pattern=r"[0-9]{3,10}"),
    "debit": fields.whole(default=0),
    "credit": fields.whole(default=0),
}


class AccountingSimulator(JsonVendor):
    """One company's books. Amounts are in minor units."""

    name = "accounting"

    def ways(self) -> list[Way]:
        return [
            Way("GET", "/v1/invoices", self._listing("invoice", "status")),
            Way("POST", "/v1/invoices", self._invoice, 201),
            Way("GET", "/v1/invoices/{id}", lambda call: self.find("invoice", call.path("id"))),
            Way("POST", "/v1/invoices/{id}/pay", self._pay),
            Way("POST", "/v1/invoices/{id}/void", self._void),
            Way("GET", "/v1/credit-notes", self._listing("credit_note")),
            Way("POST", "/v1/credit-notes", self._credit, 201),
            Way("GET", "/v1/journal-entries", self._listing("journal_entry")),
            Way("POST", "/v1/journal-entries", self._book, 201),
            Way("GET", "/v1/journal-entries/{id}", lambda call: self.find("journal_entry", call.path("id"))),
            Way("POST", "/v1/journal-entries/{id}/reverse", self._reverse, 201),
            Way("POST", "/v1/reversals", self._undo_all, 201),
        ]

    def _listing(self, kind: str, *also: str) -> Any:
        return lambda call: {"items": self.all(kind, **{name: call.query(name) for name in ("reference", *also)})}

    # Invoices

    def _invoice(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            customer=fields.part(_CUSTOMER),
            currency=_CURRENCY,
            lines=fields.rows(fields.part(_LINE), most=200),
            shipping_amount=fields.whole(default=0),
            tax_amount=fields.whole(default=0),
        )
        net = sum(line["quantity"] * line["unit_amount"] for line in asked["lines"])
        identity = self.next_id("invoice", "inv")
        made = {
            "id": identity,
            "number": f"{self.world.now():%Y}-{identity.removeprefix('inv_')}",
            **asked,
            "total": net + asked["shipping_amount"] + asked["tax_amount"],
            "paid": 0,
            "credited": 0,
            "payment_reference": None,
            "status": "open",
            "created_at": self.stamp(),
        }
        self.keep("invoice", made)
        self._tell_invoice(call, "invoice_made", made, "made")
        return made

    def _pay(self, call: Call) -> dict[str, Any]:
        asked = call.take(amount=fields.whole(1), payment_reference=fields.text())
        made = self.find("invoice", call.path("id"))
        if made["status"] == "paid" and made["payment_reference"] == asked["payment_reference"]:
            return made
        if made["status"] != "open":
            raise Refused(409, f"invoice_{made['status']}", f"The invoice is {made['status']}.")
        if asked["amount"] > made["total"] - made["paid"]:
            raise Refused(422, "amount_too_large", "That is more than the invoice has open.", field="amount")
        made["paid"] += asked["amount"]
        made["payment_reference"] = asked["payment_reference"]
        made["status"] = "paid" if made["paid"] == made["total"] else "open"
        self.keep("invoice", made)
        self._tell_invoice(call, "invoice_paid", made, made["status"])
        return made

    def _void(self, call: Call) -> dict[str, Any]:
        asked = call.take(reason=fields.text(None, longest=500))
        return self._withdraw(call, self.find("invoice", call.path("id")), asked["reason"])

    def _withdraw(self, call: Call, made: dict[str, Any], reason: str | None) -> dict[str, Any]:
        if made["status"] == "void":
            return made
        if made["credited"]:
            raise Refused(409, "invoice_credited", "The invoice has a credit note: credit the rest instead.")
        made["status"] = "void"
        self.keep("invoice", made)
        self._tell_invoice(call, "invoice_voided", made, "void", reason=reason, standing=False)
        return made

    def _credit(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            invoice_id=fields.text(),
            amount=fields.whole(1),
            reason=fields.text(None, longest=500),
        )
        invoice = self.find("invoice", asked["invoice_id"])
        if invoice["status"] == "void" or asked["amount"] > invoice["total"] - invoice["credited"]:
            raise Refused(422, "amount_too_large", "That is more than the invoice has left to credit.", field="amount")
        identity = self.next_id("credit_note", "crn")
        made = {"id": identity, **asked, "currency": invoice["currency"], "created_at": self.stamp()}
        self.keep("credit_note", made)
        invoice["credited"] += asked["amount"]
        self.keep("invoice", invoice)
        left = invoice["credited"] < invoice["total"]
        word = f"credited with {_money(asked['amount'], invoice)}"
        self._tell_invoice(call, "invoice_credited", invoice, word, reason=asked["reason"], standing=left)
        return made

    # The journal

    def _book(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            memo=fields.text(None, longest=500),
            currency=_CURRENCY,
            lines=fields.rows(fields.part(_BOOKING), least=2, most=200),
        )
        debit = sum(line["debit"] for line in asked["lines"])
        if debit != sum(line["credit"] for line in asked["lines"]) or debit == 0:
            raise Refused(422, "unbalanced", "Debits and credits are equal and above zero.", field="lines")
        return self._enter(call, "journal_booked", asked)

    def _enter(self, call: Call, kind: str, fields_of: dict[str, Any], reverses: str | None = None) -> dict[str, Any]:
        identity = self.next_id("journal_entry", "jrn")
        made = {
            "id": identity, **fields_of, "status": "posted", "reverses": reverses, "reversed_by": None,
            "created_at": self.stamp(),
        }  # fmt: skip
        self.keep("journal_entry", made)
        facts = {
            "Reference": made["reference"],
            "Amount": _money(sum(line["debit"] for line in made["lines"]), made),
            "Memo": made["memo"] or "-",
        }
        title = f"Journal entry {identity}" + (f": reverses {reverses}" if reverses else "")
        self.record(
            call, kind, f"journal_entry/{reverses or identity}", title, facts,
            reference=made["reference"], standing=reverses is None,
        )  # fmt: skip
        return made

    def _reverse(self, call: Call) -> dict[str, Any]:
        call.take(reason=fields.text(None, longest=500))
        return self._turn(call, self.find("journal_entry", call.path("id")))

    def _turn(self, call: Call, made: dict[str, Any]) -> dict[str, Any]:
        if made["reversed_by"] is not None:
            return self.find("journal_entry", made["reversed_by"])
        if made["reverses"] is not None:
            raise Refused(409, "is_a_reversal", "A reversal is not reversed: book the entry anew.")
        lines = [{**line, "debit": line["credit"], "credit": line["debit"]} for line in made["lines"]]
        kept = {name: made[name] for name in ("reference", "currency")}
        turned = self._enter(
            call, "journal_reversed", {**kept, "memo": f"Reversal of {made['id']}", "lines": lines}, made["id"]
        )
        made |= {"reversed_by": turned["id"], "status": "reversed"}
        self.keep("journal_entry", made)
        return turned

    def _undo_all(self, call: Call) -> dict[str, Any]:
        """Everything with a reference, in one go: for a client that does not know what it made."""
        asked = call.take(reference=_REFERENCE, reason=fields.text(None, longest=500))
        invoices = [row for row in self.all("invoice", reference=asked["reference"]) if row["status"] != "void"]
        if any(row["credited"] for row in invoices):
            raise Refused(409, "invoice_credited", "An invoice has a credit note: credit the rest instead.")
        entries = [
            row
            for row in self.all("journal_entry", reference=asked["reference"])
            if row["reverses"] is None and row["reversed_by"] is None
        ]
        return {
            "voided": [self._withdraw(call, row, asked["reason"]) for row in invoices],
            "reversed": [self._turn(call, row) for row in entries],
        }

    def _tell_invoice(
        self, call: Call, kind: str, made: dict[str, Any], word: str, *,
        reason: str | None = None, standing: bool = True,
    ) -> None:  # fmt: skip
        facts = {
            "Reference": made["reference"],
            "Customer": made["customer"]["id"],
            "Total": _money(made["total"], made),
        }
        if reason:
            facts["Reason"] = reason
        self.record(
            call, kind, f"invoice/{made['id']}", f"Invoice {made['number']}: {word}", facts,
            reference=made["reference"], standing=standing,
        )  # fmt: skip


def _money(amount: int, made: dict[str, Any]) -> str:
    return f"{amount / 100:.2f} {made['currency']}"
