"""Configuration files: read strictly, laid over each other, checked before anything starts."""
