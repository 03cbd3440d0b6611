"""The store: what must outlive Temporal's retention or be searched by text. SQLite by default, PostgreSQL by URL.

Importing this package loads nothing else, so that the start-up check in `migration` stays quick.
"""
