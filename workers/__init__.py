"""The composition root of the worker: settings -> clients -> activities -> Temporal workers."""
