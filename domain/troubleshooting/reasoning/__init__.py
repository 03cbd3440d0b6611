"""The diagnosis: from findings to hypotheses, their weights, and whether one is carried by the evidence."""
