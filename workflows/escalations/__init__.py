"""The parts of one escalation: triage, conversation, deadlines, resolution, outcome and withdrawal."""
