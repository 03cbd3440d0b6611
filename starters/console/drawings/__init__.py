"""Drawings: charts, diagrams of playbooks, who calls whom."""
