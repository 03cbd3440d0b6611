"""Who may do what: every route of the service, and the role that it needs. A route that is not here cannot start."""

from __future__ import annotations

from domain.identity.principals import Role

V1 = "/api/v1"

PUBLIC: frozenset[tuple[str, str]] = frozenset(
    {("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/openapi.json")}
)
"""What everybody may ask."""

PROMISING: frozenset[str] = frozenset({f"{V1}/cases", f"{V1}/tickets", f"{V1}/incidents"})
"""What may be accepted before it is done, where a client prefers that."""

ACCESS: dict[tuple[str, str], Role] = {
    ("POST", f"{V1}/cases"): Role.AGENT,
    ("GET", f"{V1}/cases"): Role.VIEWER,
    ("GET", f"{V1}/cases/{{case_id}}"): Role.VIEWER,
    ("GET", f"{V1}/cases/{{case_id}}/timeline"): Role.VIEWER,
    ("GET", f"{V1}/cases/{{case_id}}/conversation"): Role.VIEWER,
    ("POST", f"{V1}/cases/{{case_id}}/queries"): Role.AGENT,
    ("GET", f"{V1}/cases/{{case_id}}/queries"): Role.VIEWER,
    ("GET", f"{V1}/cases/{{case_id}}/queries/{{query_id}}"): Role.VIEWER,
    ("GET", f"{V1}/cases/{{case_id}}/queries/{{query_id}}/result"): Role.VIEWER,
    ("DELETE", f"{V1}/cases/{{case_id}}/queries/{{query_id}}"): Role.AGENT,
    ("POST", f"{V1}/cases/{{case_id}}/messages"): Role.AGENT,
    ("POST", f"{V1}/cases/{{case_id}}/claim"): Role.AGENT,
    ("POST", f"{V1}/cases/{{case_id}}/reassign"): Role.AGENT,
    ("POST", f"{V1}/cases/{{case_id}}/resolve"): Role.AGENT,
    ("POST", f"{V1}/cases/{{case_id}}/feedback"): Role.AGENT,
    ("POST", f"{V1}/cases/{{case_id}}/unpark"): Role.OPERATOR,
    ("GET", f"{V1}/jobs/{{job_id}}"): Role.VIEWER,
    ("DELETE", f"{V1}/jobs/{{job_id}}"): Role.AGENT,
    ("POST", f"{V1}/tickets"): Role.AGENT,
    ("GET", f"{V1}/tickets"): Role.VIEWER,
    ("POST", f"{V1}/incidents"): Role.AGENT,
    ("GET", f"{V1}/incidents"): Role.VIEWER,
    ("POST", f"{V1}/incidents/{{case_id}}/evidence"): Role.AGENT,
    ("POST", f"{V1}/incidents/{{case_id}}/tickets"): Role.AGENT,
    ("GET", f"{V1}/approvals"): Role.VIEWER,
    ("POST", f"{V1}/approvals/decisions"): Role.APPROVER,
    ("GET", f"{V1}/playbooks"): Role.VIEWER,
    ("GET", f"{V1}/playbooks/{{name}}"): Role.VIEWER,
    ("POST", f"{V1}/playbooks/{{name}}/dry-run"): Role.VIEWER,
    ("POST", f"{V1}/playbooks/{{name}}/runs"): Role.OPERATOR,
    ("POST", f"{V1}/events"): Role.OPERATOR,
    ("POST", f"{V1}/sessions"): Role.VIEWER,
    ("GET", f"{V1}/sessions"): Role.VIEWER,
    ("GET", f"{V1}/sessions/{{session_id}}"): Role.VIEWER,
    ("DELETE", f"{V1}/sessions/{{session_id}}"): Role.VIEWER,
    ("POST", f"{V1}/data/upload"): Role.AGENT,
    ("POST", f"{V1}/knowledge/search"): Role.VIEWER,
    ("GET", f"{V1}/webhooks"): Role.OPERATOR,
    ("GET", f"{V1}/webhooks/{{name}}/deliveries"): Role.OPERATOR,
    ("POST", f"{V1}/webhooks/{{name}}/test"): Role.OPERATOR,
    ("POST", f"{V1}/webhooks/{{name}}/replay"): Role.OPERATOR,
    ("POST", f"{V1}/webhooks/{{name}}/enable"): Role.OPERATOR,
    ("POST", f"{V1}/webhooks/{{name}}/disable"): Role.OPERATOR,
    ("GET", "/metrics"): Role.OPERATOR,
}
