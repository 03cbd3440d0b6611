"""Pages of cases, and what people do there."""
