"""The HTTP service: cases, playbooks and approvals for other programs, by a strict contract."""
