"""Who does what in the demo, ticket by ticket. Silence is an act too: those customers have none left."""

from __future__ import annotations

from collections.abc import Mapping

from domain.cases.escalation import EscalationState
from starters.demo.acts import Act, AgentWrites, Claim, CustomerWrites, Decide, GiveFeedback, Resolve, ResolveAfterNews

SCRIPT: Mapping[str, tuple[Act[EscalationState], ...]] = {
    "TICK-SEARCH-001": (
        Claim("p-noor"),
        AgentWrites("p-noor", "This is on our side, and engineers are at it. I write to you as soon as it is over."),
        ResolveAfterNews("p-noor", "The version of the search that failed was taken back."),
    ),
    "TICK-STD-001": (
        CustomerWrites("Thank you, that worked!"),
        GiveFeedback(5, "Quick and clear."),
    ),
    "TICK-ENT-001": (
        Claim("p-ivan"),
        AgentWrites("p-ivan", "We found the cause: a rejected signing key. We are rolling it back now."),
        Resolve("p-ivan", "We rolled back the signing key of the authentication service; all requests succeed again."),
        GiveFeedback(4, "Fast once somebody had it.", was_right=True),
    ),
    "TICK-TECH-001": (
        Claim("p-noor"),
        AgentWrites("p-noor", "Which API version does your webhook subscription name?"),
        CustomerWrites("It names version 2 for one endpoint and version 3 for the other."),
        Resolve("p-noor", "Version 2 sends IDs, version 3 sends whole products: set both endpoints to version 3."),
        GiveFeedback(5, was_right=True),
    ),
    "TICK-REPEAT-001": (
        Claim("p-ruth"),
        AgentWrites("p-ruth", "I am sorry for what you went through. I take care of this myself, today."),
        Resolve("p-ruth", "The second subscription is cancelled and its three payments are on their way back to you."),
        GiveFeedback(3, "It should not have taken three attempts.", was_right=True),
    ),
    "TICK-REFUND-001": (
        Decide("p-greta", reason="The second payment is on the account."),
        GiveFeedback(5),
    ),
    "TICK-VIP-001": (
        Decide("p-lena", approve=False, reason="Greet more warmly and offer a call."),
        Decide("p-sofia"),
        CustomerWrites("Thank you, that worked!"),
        GiveFeedback(5),
    ),
    "TICK-DE-001": (
        CustomerWrites("Danke, es funktioniert jetzt!"),
        GiveFeedback(5, "Sehr freundlich."),
    ),
    "TICK-FEATURE-001": (),
    "TICK-SECURITY-001": (
        Claim("p-ivan"),
        AgentWrites("p-ivan", "Thank you for telling us. Please send the details to the address of our security team."),
        CustomerWrites("I have sent them to you just now."),
        Resolve("p-ivan", "Invoice links are checked against the account again. Thank you for your report."),
        GiveFeedback(5, was_right=True),
    ),
    "TICK-ANGRIER-001": (
        CustomerWrites(
            "That did not help at all. It is still slow, and now nothing loads. "
            "This is ridiculous, I am losing patience!"
        ),
        Claim("p-ivan"),
        AgentWrites("p-ivan", "You are right, this is on our side: one server was overloaded. We are replacing it."),
        Resolve("p-ivan", "The overloaded server was replaced; the dashboard loads in under a second again."),
        GiveFeedback(4, was_right=True),
    ),
}
