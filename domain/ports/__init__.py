"""The ports: what activities need of the outside, and what `integrations/` implements.

Implementations raise `domain.errors.VendorError` and its kinds, never their library's own errors, and do not retry:
Temporal does. Every call that changes something takes an idempotency key and may be repeated with it.
"""
