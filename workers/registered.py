"""The activities that workers and tests register, each on its clients. The one list of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from activities.allowances import AllowanceActivities
from activities.cases import CaseActivities
from activities.directory import DirectoryActivities
from activities.incidents import IncidentActivities
from activities.linking import LinkingActivities
from activities.notices import NoticeActivities
from activities.playbook_functions import PlaybookFunctions
from activities.playbooks import PlaybookActivities
from activities.reasoning import ReasoningActivities
from activities.replies import ReplyActivities
from activities.supposing import SupposingActivities
from activities.ticketing import CustomerActivities, TicketingActivities
from activities.tools import ToolActivities
from activities.triage import TriageActivities
from activities.webhooks import WebhookActivities
from domain.cases.terms import Channels
from domain.ports.cases import CaseStore
from domain.ports.channels import Mailer, Renderer, TeamChat, TicketSystem
from domain.ports.configuration import CheckSource, Directory, GuardrailSource, PolicySource
from domain.ports.customers import Billing, CustomerRecords
from domain.ports.effects import Allowances
from domain.ports.knowledge import IncidentKnowledge, KnowledgeBase
from domain.ports.models import LanguageModel
from domain.ports.playbooks import EventPublisher, PlaybookLibrary
from domain.ports.tools import ToolBox
from domain.rules import RulesEngine
from integrations.evidence.logs.meaning import sign_of
from workers.clients import Clients


def activity_methods(
    *,
    store: CaseStore,
    knowledge: KnowledgeBase,
    policies: PolicySource,
    directory: Directory,
    model: LanguageModel,
    rules: RulesEngine,
    renderer: Renderer,
    mailer: Mailer | None,
    chat: TeamChat | None,
    tickets: TicketSystem | None,
    records: CustomerRecords | None,
    billing: Billing | None,
    channels: Channels,
    toolbox: ToolBox | None = None,
    allowances: Allowances | None = None,
    publisher: EventPublisher | None = None,
    library: PlaybookLibrary | None = None,
    guardrails: GuardrailSource | None = None,
    failures: IncidentKnowledge | None = None,
    checks: CheckSource | None = None,
    webhooks: WebhookActivities | None = None,
) -> list[Callable[..., Any]]:
    """Every activity, on its clients. The one list that workers and tests register.

    Without a tool box there are no tools and no playbooks, and a name that is not listed here is no activity. Limits
    per day need a store that counts.
    """
    tools = ToolActivities(toolbox) if toolbox is not None else None
    cases = CaseActivities(store, knowledge, policies, channels)
    triage = TriageActivities(model, rules, store)
    replies = ReplyActivities(model, rules)
    notices = NoticeActivities(mailer, chat, renderer, directory, store)
    ticketing = TicketingActivities(tickets)
    customers = CustomerActivities(records, billing)
    people = DirectoryActivities(directory)
    linking = LinkingActivities(store, rules, allowances)
    reasoning = ReasoningActivities(checks, sign_of)
    supposing = SupposingActivities(model=model)
    counts = AllowanceActivities(allowances) if allowances is not None else None
    functions = PlaybookFunctions(
        model=model,
        mailer=mailer,
        chat=chat,
        renderer=renderer,
        directory=directory,
        policies=policies,
        publisher=publisher,
    )
    opening = incidents = None
    if toolbox is not None and library is not None and guardrails is not None:
        opening = PlaybookActivities(
            library=library,
            toolbox=toolbox,
            policies=policies,
            guardrails=guardrails,
            store=store,
            channels=channels,
        )
        incidents = IncidentActivities(
            library=library,
            toolbox=toolbox,
            policies=policies,
            guardrails=guardrails,
            store=store,
            channels=channels,
            knowledge=failures,
        )
    return [
        cases.open_case,
        cases.save_case,
        cases.record_outcome,
        triage.classify_ticket,
        triage.analyse_ticket,
        triage.decide_escalation,
        triage.assess_message,
        linking.find_incident,
        replies.draft_reply,
        notices.mail_customer,
        notices.mail_team,
        notices.post_chat,
        notices.delete_chat,
        ticketing.escalate_ticket,
        ticketing.revert_ticket,
        ticketing.add_ticket_note,
        ticketing.set_ticket_status,
        ticketing.read_ticket_status,
        customers.update_customer_profile,
        customers.refund_customer,
        customers.cancel_refund,
        customers.credit_customer,
        customers.reverse_credit,
        people.find_approvers,
        people.check_authority,
        people.check_holder,
        functions.ask_model,
        functions.notify,
        functions.publish_event,
        *([counts.reserve_allowance, counts.release_allowance] if counts is not None else ()),
        *([tools.run_tool, tools.check_call] if tools is not None else ()),
        *([opening.open_playbook] if opening is not None else ()),
        *(
            [incidents.open_incident, incidents.rehearse_solution, incidents.learn_from_incident]
            if incidents is not None
            else ()
        ),
        reasoning.classify_query,
        reasoning.think,
        reasoning.read_check,
        supposing.suppose_causes,
        reasoning.propose_solution,
        *(
            [webhooks.next_webhooks, webhooks.send_webhook, webhooks.give_up_webhook, webhooks.disable_webhook]
            if webhooks is not None
            else ()
        ),
    ]


def methods_of(clients: Clients) -> list[Callable[..., Any]]:
    """The activities on real clients."""
    return activity_methods(
        store=clients.store.cases,
        knowledge=clients.store.knowledge,
        policies=clients.configuration,
        directory=clients.configuration,
        model=clients.model,
        rules=clients.rules,
        renderer=clients.renderer,
        mailer=clients.mailer,
        chat=clients.chat,
        tickets=clients.tickets,
        records=clients.records,
        billing=clients.billing,
        channels=clients.channels,
        toolbox=clients.toolbox,
        allowances=clients.store.allowances,
        publisher=clients.publisher,
        library=clients.library,
        guardrails=clients.configuration,
        failures=clients.failures,
        checks=clients.configuration,
        webhooks=WebhookActivities(
            clients.store.outbox, clients.webhooks, clients.configuration, clients.configuration, clients.channels
        ),
    )
