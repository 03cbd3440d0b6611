"""The database itself: connections, transactions, errors, full-text search, migrations."""
