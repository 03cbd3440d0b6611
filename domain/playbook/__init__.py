"""Playbooks: durable procedures as data, in the Serverless Workflow DSL 1.0."""
