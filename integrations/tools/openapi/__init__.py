"""Tools from OpenAPI documents: one per operation."""
