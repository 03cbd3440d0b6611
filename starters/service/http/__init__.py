"""HTTP as it comes and goes: the edge around everything, bodies, forms, refusals."""
