"""Analyses of texts and records by plain rules: each score comes with the reasons for it. Pure and deterministic."""
