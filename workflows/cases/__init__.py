"""What all kinds of cases share: life, lanes, approvals, claims, handoff to people, sagas and child playbooks."""
