"""Surehand as an MCP server: models and other programs read cases and playbooks, and start playbooks where allowed."""
