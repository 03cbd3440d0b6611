"""Stripe: money back for support cases (`billing`), and payments in two steps for playbooks (`payments`)."""
