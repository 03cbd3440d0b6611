"""Assembles the tools on our own clients: those of every client that is configured, and those that need none."""

from __future__ import annotations

from domain.ports.channels import Mailer, TeamChat, TicketSystem
from domain.ports.customers import Billing, CustomerRecords
from domain.ports.evidence import EvidenceStore
from domain.ports.knowledge import IncidentKnowledge
from domain.rules import RulesEngine
from integrations.commands import AllowedCommands
from integrations.databases.configuration import DatabaseSources
from integrations.prometheus import PrometheusMetrics
from integrations.stripe.payments import StripePayments
from integrations.tools.builtin.analysis import AnalysisTools
from integrations.tools.builtin.billing import BillingTools
from integrations.tools.builtin.commands import CommandTools
from integrations.tools.builtin.databases import DatabaseTools
from integrations.tools.builtin.evidence import EvidenceTools
from integrations.tools.builtin.knowledge import KnowledgeTools
from integrations.tools.builtin.logs import LogTools
from integrations.tools.builtin.messages import ChatTools, MailTools
from integrations.tools.builtin.monitoring import HealthTools, MetricTools
from integrations.tools.builtin.payments import PaymentTools
from integrations.tools.builtin.probing import ProbeTools
from integrations.tools.builtin.records import CustomerRecordTools
from integrations.tools.builtin.tickets import TicketTools
from integrations.tools.builtin.watching import WatchTools
from integrations.tools.guarded_http import GuardedHttp
from integrations.tools.openapi.configuration import WebConfiguration
from integrations.tools.web import web_guard
from runtime.settings.environment import Settings


def builtin_tools(
    settings: Settings,
    web: WebConfiguration,
    *,
    rules: RulesEngine,
    evidence: EvidenceStore,
    failures: IncidentKnowledge,
    databases: DatabaseSources,
    commands: AllowedCommands,
    mailer: Mailer | None,
    chat: TeamChat | None,
    tickets: TicketSystem | None,
    records: CustomerRecords | None,
    billing: Billing | None,
) -> list[object]:
    """The objects whose marked methods are this process's tools.

    Args:
        settings: for clients that only tools use.
        web: which addresses a health check may ask.
        rules: triage's rules, for e-mails.
        evidence: files that users uploaded, by reference.
        failures: what is known of failures.
        databases: those that may be read.
        commands: those that may be run.
        mailer: and the following: a client that is None has no tools.
        chat: see above.
        tickets: see above.
        records: see above.
        billing: see above.
    """
    http = GuardedHttp(web_guard(web), timeout_seconds=web.timeout_seconds, limit_bytes=web.response_limit_bytes)
    owners: list[object] = [
        AnalysisTools(rules),
        HealthTools(http),
        ProbeTools(http),
        EvidenceTools(evidence),
        LogTools(evidence),
        KnowledgeTools(failures),
    ]
    if mailer is not None:
        owners.append(MailTools(mailer))
    if chat is not None:
        owners.append(ChatTools(chat))
    if tickets is not None:
        owners.append(TicketTools(tickets))
    if records is not None:
        owners.append(CustomerRecordTools(records))
    if billing is not None:
        owners.append(BillingTools(billing))
    if settings.stripe is not None:
        stripe = settings.stripe
        account = StripePayments(base_url=stripe.base_url, key=stripe.api_key, timeout_seconds=stripe.timeout_seconds)
        owners.append(PaymentTools(account))
    if settings.prometheus is not None:
        server = settings.prometheus
        metrics = PrometheusMetrics(
            base_url=server.base_url, token=server.token, timeout_seconds=server.timeout_seconds
        )
        owners += [MetricTools(metrics), WatchTools(metrics)]
    if databases.root:
        owners.append(DatabaseTools(databases, settings.secrets))
    if commands.root:
        owners.append(CommandTools(commands, settings.secrets))
    return owners
