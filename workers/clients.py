"""Builds every client once, from the settings. What is not configured is None, and that leg is not part of a case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.cases.terms import Channels
from domain.ports.channels import Mailer, Renderer, TeamChat, TicketSystem
from domain.ports.customers import Billing, CustomerRecords
from domain.ports.effects import EffectLedger
from domain.ports.evidence import EvidenceStore
from domain.ports.knowledge import IncidentKnowledge
from domain.ports.models import Meter
from domain.ports.playbooks import EventPublisher
from domain.rules import Phrases, RulesEngine
from integrations.commands import AllowedCommands
from integrations.databases.configuration import DatabaseSources
from integrations.event_sinks import HttpEventSinks
from integrations.evidence.store import EvidenceFolder
from integrations.hubspot import HubSpotRecords
from integrations.llm.no_model import NoModel
from integrations.mail import SmtpMailer
from integrations.playbooks.library import FolderLibrary
from integrations.rendering import Templates
from integrations.slack.channel import SlackChat
from integrations.store.knowledge.seeding import seed_articles
from integrations.store.store import SqlStore
from integrations.stripe.billing import StripeBilling
from integrations.tools.openapi.configuration import WebConfiguration
from integrations.tools.toolbox import Tools
from integrations.webhook_sender import HttpWebhookSender
from integrations.zendesk import ZendeskTickets
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, Settings
from runtime.telemetry.measures import Measures
from workers.builtin_tools import builtin_tools
from workers.knowledge import failure_knowledge
from workers.mail_tokens import mail_tokens
from workers.measuring import Connected, MeasuredMeter, MeasuredModel
from workers.tools import build_toolbox

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@dataclass(frozen=True)
class Clients:
    """Everything the activities receive."""

    configuration: Configuration
    store: SqlStore
    rules: RulesEngine
    model: MeasuredModel
    renderer: Renderer
    mailer: Mailer | None
    chat: TeamChat | None
    tickets: TicketSystem | None
    records: CustomerRecords | None
    billing: Billing | None
    publisher: EventPublisher | None
    evidence: EvidenceStore
    failures: IncidentKnowledge
    toolbox: Tools
    library: FolderLibrary
    webhooks: HttpWebhookSender

    @property
    def channels(self) -> Channels:
        """Which outside systems this installation has."""
        return Channels(
            mail=self.mailer is not None,
            chat=self.chat is not None,
            ticketing=self.tickets is not None,
            crm=self.records is not None,
            billing=self.billing is not None,
            model=self.model.configured,
        )


async def open_clients(settings: Settings, measures: Measures | None = None) -> Clients:
    """Open the store and build the clients.

    Args:
        settings: of this process.
        measures: counts what models are asked; nothing is counted when not given.

    Raises:
        ConfigurationProblem: the configuration cannot be used.
        NotReachable: the store does not answer.
    """
    configuration = Configuration.from_settings(settings)
    store = await SqlStore.open(settings.store_url)
    try:
        for tenant in configuration.tenants:
            await seed_articles(store.knowledge, tenant, SHIPPED_CONFIG / "knowledge")
        return _on(store, settings, configuration, measures or Measures())
    except BaseException:
        await store.close()
        raise


def _on(store: SqlStore, settings: Settings, configuration: Configuration, measures: Measures) -> Clients:
    rules = RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))
    mailer, chat = _mailer(settings, store.ledger), _chat(settings, store.ledger)
    tickets, records, billing = _tickets(settings), _records(settings), _billing(settings)
    web = configuration.section("tools", "web", WebConfiguration)
    evidence = _evidence(settings)
    failures = failure_knowledge(settings, configuration, store.lessons)
    owners = builtin_tools(
        settings,
        web,
        rules=rules,
        evidence=evidence,
        failures=failures,
        databases=configuration.section("tools", "databases", DatabaseSources),
        commands=configuration.section("tools", "commands", AllowedCommands),
        mailer=mailer,
        chat=chat,
        tickets=tickets,
        records=records,
        billing=billing,
    )
    return Clients(
        configuration=configuration,
        store=store,
        rules=rules,
        model=MeasuredModel(_model(settings, MeasuredMeter(store.meter, measures)), measures),
        renderer=Templates(TEMPLATES),
        mailer=mailer,
        chat=chat,
        tickets=tickets,
        records=records,
        billing=billing,
        publisher=_publisher(settings, store),
        evidence=evidence,
        failures=failures,
        toolbox=build_toolbox(settings, configuration, store.ledger, owners=owners, texts=store.cases),
        library=FolderLibrary(settings.playbooks.folder),
        webhooks=_webhooks(settings, configuration, store),
    )


def toolbox_to_look_at(settings: Settings, configuration: Configuration, ledger: EffectLedger) -> Tools:
    """The tool box of this installation, for commands that show tools and call none; it needs no store.

    Args:
        settings: of the command.
        configuration: of the installation.
        ledger: one that refuses, since nothing is to be called.
    """
    rules = RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))
    owners = builtin_tools(
        settings,
        configuration.section("tools", "web", WebConfiguration),
        rules=rules,
        evidence=_evidence(settings),
        failures=failure_knowledge(settings, configuration, None),
        databases=configuration.section("tools", "databases", DatabaseSources),
        commands=configuration.section("tools", "commands", AllowedCommands),
        mailer=_mailer(settings, ledger),
        chat=_chat(settings, ledger),
        tickets=_tickets(settings),
        records=_records(settings),
        billing=_billing(settings),
    )
    return build_toolbox(settings, configuration, ledger, owners=owners)


def _model(settings: Settings, meter: Meter) -> Connected:
    endpoints = {"primary": settings.model.primary, "secondary": settings.model.secondary}
    configured = {name: endpoint for name, endpoint in endpoints.items() if endpoint is not None}
    if not configured:
        return NoModel()
    from workers.models import model_chain  # noqa: PLC0415 - the models' library takes a second to load

    return model_chain(configured, meter, TEMPLATES / "prompts")


def _evidence(settings: Settings) -> EvidenceStore:
    return EvidenceFolder(
        settings.evidence_dir,
        file_limit_bytes=settings.evidence.file_limit_bytes,
        tenant_limit_bytes=settings.evidence.tenant_limit_bytes,
    )


def _mailer(settings: Settings, ledger: EffectLedger) -> Mailer | None:
    smtp = settings.smtp
    if smtp is None:
        return None
    return SmtpMailer(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username,
        password=smtp.password,
        sender=smtp.sender,
        sender_name=smtp.sender_name,
        timeout_seconds=smtp.timeout_seconds,
        ledger=ledger,
        tokens=mail_tokens(smtp.oauth) if smtp.oauth is not None else None,
    )


def _chat(settings: Settings, ledger: EffectLedger) -> TeamChat | None:
    slack = settings.slack
    if slack is None:
        return None
    return SlackChat(
        token=slack.bot_token, base_url=slack.base_url, ledger=ledger, timeout_seconds=slack.timeout_seconds
    )


def _tickets(settings: Settings) -> TicketSystem | None:
    zendesk = settings.zendesk
    if zendesk is None:
        return None
    return ZendeskTickets(
        base_url=zendesk.base_url,
        email=zendesk.email,
        token=zendesk.api_token,
        timeout_seconds=zendesk.timeout_seconds,
    )


def _records(settings: Settings) -> CustomerRecords | None:
    hubspot = settings.hubspot
    if hubspot is None:
        return None
    return HubSpotRecords(
        base_url=hubspot.base_url, token=hubspot.access_token, timeout_seconds=hubspot.timeout_seconds
    )


def _billing(settings: Settings) -> Billing | None:
    stripe = settings.stripe
    if stripe is None:
        return None
    return StripeBilling(base_url=stripe.base_url, key=stripe.api_key, timeout_seconds=stripe.timeout_seconds)


def _publisher(settings: Settings, store: SqlStore) -> EventPublisher | None:
    events = settings.events
    if events is None:
        return None
    return HttpEventSinks(events.addresses, store.ledger, timeout_seconds=events.timeout_seconds)


def _webhooks(settings: Settings, configuration: Configuration, store: SqlStore) -> HttpWebhookSender:
    """The sender, and the outbox that is told who is told; an endpoint that cannot be told is found out here."""
    sender = HttpWebhookSender(
        settings.secrets, internal=settings.webhooks.places, timeout=configuration.delivery_rules.timeout
    )
    for one in configuration.subscriptions:
        sender.check(one)
    consoles = {tenant: configuration.policy_for(tenant).dashboard_url for tenant in configuration.tenants}
    store.outbox.tell(configuration.subscriptions, consoles)
    return sender
