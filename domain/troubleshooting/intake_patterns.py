"""The words by which reports and questions are told apart: English, and the basics of German, Spanish and French.

Each entry is a linear pattern over lower-case text, a weight, and what it is called in the reasons. Plain clues weigh
1, what hardly anybody writes for another reason 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from domain.tickets.ticket import Priority
from domain.troubleshooting.terms import QueryIntent, TechnicalDomain


class Clue(NamedTuple):
    """One pattern."""

    pattern: re.Pattern[str]
    weight: float
    label: str


def _clues(*entries: tuple[str, float, str]) -> tuple[Clue, ...]:
    return tuple(Clue(re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), weight, label) for pattern, weight, label in entries)


INTENTS: Mapping[QueryIntent, tuple[Clue, ...]] = {
    QueryIntent.ROOT_CAUSE_ANALYSIS: _clues(
        (r"root[ -]causes?|rca|post[ -]?mortems?|retrospective", 6, "asks for the root cause"),
        (
            r"grundursache|ursachenanalyse|causa ra[ií]z|cause racine|cause premi[eè]re|analyse des causes",
            6,
            "root cause",
        ),
        (
            r"what (?:has )?caused|what broke|why did|why were|why was|how did (?:this|it) happen",
            4,
            "asks why it happened",
        ),
        (r"welche ursache|was war die ursache|warum (?:ist|sind|war|waren|kam)|woran lag", 4, "asks why it happened"),
        (
            r"qu[eé] caus[oó]|por qu[eé] (?:fall[oó]|se cay[oó]|ocurri[oó])|pourquoi (?:est-ce que )?.{0,30}tomb",
            4,
            "asks why",
        ),
        (r"qu'est-ce qui a (?:caus[eé]|provoqu[eé])", 4, "asks why it happened"),
    ),
    QueryIntent.INCIDENT_RESPONSE: _clues(
        (r"outages?|major incident|sev[ -]?[01]|p[01]|war ?room|all hands", 4, "an outage"),
        (r"(?:is|are|went|goes|gone|being|completely|all|still) (?:\w{1,20} )?down|offline", 3, "something is down"),
        (r"on fire|nothing works|nobody can|no one can|everything (?:is )?(?:failing|broken|down)", 4, "nothing works"),
        (r"production (?:is )?(?:down|broken|unavailable)|prod (?:is )?(?:down|broken)", 5, "production is down"),
        (r"total ?ausfall|ausfall|ausgefallen|nichts geht(?: mehr)?|st[oö]rung|gro(?:ss|ß)st[oö]rung", 4, "an outage"),
        (r"ca[ií]do|ca[ií]da|fuera de servicio|interrupci[oó]n|nada funciona", 4, "an outage"),
        (r"en panne|hors service|panne|interruption de service|plus rien ne (?:marche|fonctionne)", 4, "an outage"),
        (
            r"data loss|losing data|breach(?:ed)?|ransomware|datenverlust|p[eé]rdida de datos|perte de donn[eé]es",
            4,
            "harm",
        ),
        (r"all (?:customers|users|regions|tenants|requests)|every (?:customer|user|request)", 2, "all are affected"),
    ),
    QueryIntent.TROUBLESHOOTING: _clues(
        (r"errors?|exceptions?|fail(?:s|ed|ing|ures?)?|broken|crash\w{0,10}|bugs?|stack ?trace", 1.5, "errors"),
        (
            r"(?:not|stopped|isn't|doesn't|won't|can't|cannot) \w{0,20}(?:work|respond|start|connect|load)\w{0,5}",
            2,
            "fails",
        ),
        (r"slow\w{0,5}|latency|time(?:s|d)?[ -]?outs?|hang(?:s|ing)?|stuck|degraded|unresponsive|spikes?", 1.5, "slow"),
        (
            r"refused|unreachable|oom(?:killed)?|out of memory|crashloopbackoff|50[0234]s?|5xx|429s?",
            1.5,
            "a known symptom",
        ),
        (
            r"troubleshoot\w{0,5}|debug\w{0,5}|investigat\w{0,5}|diagnos\w{0,5}|what(?:'s| is) wrong",
            3,
            "asks to look into it",
        ),
        (
            r"fehler\w{0,10}|kaputt|langsam|h[aä]ngt|st[uü]rzt ab|abst[uü]rz\w{0,4}|funktioniert nicht|geht nicht",
            2,
            "errors",
        ),
        (r"zeit[uü]berschreitung|nicht erreichbar|antwortet nicht", 2, "a known symptom"),
        (
            r"errore?s|falla(?:n|s|ndo)?|fallos?|lent[oa]s?|no funciona\w{0,2}|no responde\w{0,1}|bloquead[oa]s?",
            2,
            "errors",
        ),
        (
            r"erreurs?|plante(?:nt)?|lents?|lentes?|ne (?:marche|fonctionne|r[eé]pond)(?:nt)? pas|bloqu[eé]e?s?",
            2,
            "errors",
        ),
    ),
    QueryIntent.STATUS_CHECK: _clues(
        (r"status(?! code| [1-5]\d\d)(?: of)?|any (?:news|update|progress)|progress|eta", 3, "asks how it stands"),
        (
            r"how (?:is|are) .{1,40} doing|is .{1,40} (?:up|down|healthy|back|fixed|resolved)(?: (?:now|yet|again))?\?",
            6,
            "asks",
        ),
        (r"are .{1,40} (?:up|down|healthy|back|fixed|resolved)(?: (?:now|yet|again))?\?", 6, "asks how it stands"),
        (
            r"wie (?:ist|steht).{0,20}(?:stand|status|es)|gibt es (?:neuigkeiten|etwas neues)|l[aä]uft .{1,40} wieder",
            5,
            "asks",
        ),
        (r"estado de|alguna novedad|hay novedades|[eé]tat (?:de|du)|des nouvelles|o[uù] en (?:est|sommes)", 5, "asks"),
    ),
    QueryIntent.EXPLANATION: _clues(
        (r"what (?:does|do|is|are) .{1,80}(?:mean|means|do|for)", 5, "asks what something means"),
        (
            r"what is (?:a|an|the difference)|explain\w{0,5}|meaning of|help me understand|how does .{1,60} work",
            5,
            "asks",
        ),
        (
            r"was (?:ist|bedeutet|hei(?:ss|ß)t) .{1,60}|erkl[aä]r\w{0,4}|wie funktioniert",
            5,
            "asks what something means",
        ),
        (r"qu[eé] (?:es|significa)|expl[ií]ca\w{0,4}|c[oó]mo funciona", 5, "asks what something means"),
        (r"qu'est-ce que|que signifie|que veut dire|expliqu\w{0,5}|comment (?:fonctionne|marche)", 5, "asks"),
    ),
    QueryIntent.CONFIGURATION: _clues(
        (
            r"how (?:do|can|should|to) (?:i |we |you )?(?:configure|set|enable|disable|change|increase|tune|install)",
            5,
            "asks",
        ),
        (
            r"configur(?:e|ing)|which (?:setting|parameter|option|value)s?|what (?:setting|value|parameter)",
            3,
            "a setting",
        ),
        (
            r"wie (?:konfiguriere|stelle|aktiviere|setze)|konfigurier\w{0,4}|welche einstellung\w{0,2}",
            5,
            "asks for a setting",
        ),
        (
            r"c[oó]mo (?:configur\w{1,4}|activ\w{1,4}|cambi\w{1,4})|qu[eé] (?:ajuste|par[aá]metro)",
            5,
            "asks for a setting",
        ),
        (
            r"comment (?:configurer|activer|changer|r[eé]gler)|quel(?:le)? (?:param[eè]tre|option)",
            5,
            "asks for a setting",
        ),
    ),
    QueryIntent.BEST_PRACTICES: _clues(
        (
            r"best[ -]practices?|recommend\w{0,7}|guidelines?|what(?:'s| is) the (?:best|right|proper) way",
            8,
            "asks for advice",
        ),
        (
            r"should (?:we|i|one) (?:use|have|prefer|choose|run|set)|how (?:do|can) we (?:avoid|prevent)",
            4,
            "asks for advice",
        ),
        (r"bew[aä]hrte (?:praxis|verfahren)|empf(?:iehl|ehl|ohlen)\w{0,6}|wie vermeiden wir", 5, "asks for advice"),
        (r"mejores? pr[aá]cticas?|recomend\w{0,8}|bonnes? pratiques?|recommand\w{0,8}", 5, "asks for advice"),
    ),
}

DOMAINS: Mapping[TechnicalDomain, tuple[Clue, ...]] = {
    TechnicalDomain.DATABASE: _clues(
        (r"databases?|postgres(?:ql)?|mysql|mariadb|oracle|mongo(?:db)?|sql|sqlstate|\w{1,30}-db", 3, "database"),
        (r"quer(?:y|ies)|deadlocks?|replica(?:tion)? lag|migrations?|connection pools?|hikari\w{0,4}", 2, "database"),
        (r"datenbank\w{0,3}|bases? de datos|bases? de donn[eé]es", 3, "database"),
    ),
    TechnicalDomain.NETWORK: _clues(
        (r"dns|networks?|packet loss|load ?balancers?|firewalls?|vpn|proxy|nxdomain|econnreset|routing", 3, "network"),
        (
            r"connection (?:refused|reset)|unreachable|econnrefused|netzwerk\w{0,4}|red(?: de)?|r[eé]seaux?",
            1.5,
            "network",
        ),
    ),
    TechnicalDomain.KUBERNETES: _clues(
        (r"kubernetes|k8s|kubectl|pods?|crashloopbackoff|imagepullbackoff|oomkilled|helm|ingress", 3, "Kubernetes"),
        (r"nodes?|namespaces?|evicted|readiness|liveness|container\w{0,2}", 1, "Kubernetes"),
    ),
    TechnicalDomain.STORAGE: _clues(
        (r"disks?|no space left|enospc|volumes?|s3|buckets?|storage|filesystems?|inodes?", 3, "storage"),
        (r"festplatten?|speicherplatz|disco(?:s)?|almacenamiento|disques?|stockage", 3, "storage"),
    ),
    TechnicalDomain.MESSAGING: _clues(
        (r"kafka|rabbitmq|sqs|queues?|consumers? lag|topics?|brokers?|backlog|dead[ -]letters?", 3, "messaging"),
        (r"warteschlangen?|colas?|files? d'attente", 3, "messaging"),
    ),
    TechnicalDomain.SECURITY: _clues(
        (r"certificates?|tls|ssl|x509|expired cert\w{0,10}|breach\w{0,2}|ransomware|malware|phishing", 3, "security"),
        (r"permission denied|access denied|unauthori[sz]ed|forbidden|40[13]s?|credentials?|secrets?", 2, "security"),
        (
            r"zertifikate?s?|certificados?|certificats?|zugriff verweigert|acceso denegado|acc[eè]s refus[eé]",
            3,
            "security",
        ),
    ),
    TechnicalDomain.INFRASTRUCTURE: _clues(
        (r"cpu|memory|hosts?|servers?|vms?|instances?|autoscal\w{1,4}|ntp|clock (?:skew|drift)", 1.5, "infrastructure"),
        (r"aws|azure|gcp|terraform|data ?cent(?:er|re)s?|hypervisor", 2, "infrastructure"),
    ),
    TechnicalDomain.EXTERNAL: _clues(
        (r"third[ -]party|vendors?|stripe|paypal|twilio|sendgrid|external (?:api|service|provider)s?", 3, "a vendor"),
        (r"upstream provider|drittanbieter|proveedor\w{0,2}|fournisseurs?|prestataires?", 3, "a vendor"),
    ),
    TechnicalDomain.APPLICATION: _clues(
        (r"deploy(?:ed|ment|ments|s|ing)?|releases?|roll ?outs?|feature flags?|versions?|builds?", 1.5, "application"),
        (
            r"exceptions?|stack ?traces?|null ?pointer\w{0,10}|endpoints?|apis?|services?|checkout|50[0234]s?",
            1,
            "application",
        ),
        (r"errors?|fehler\w{0,8}|errore?s|erreurs?|anwendung|aplicaci[oó]n|dienste?s?|servicios?", 0.5, "application"),
    ),
}

URGENCIES: Mapping[Priority, tuple[Clue, ...]] = {
    Priority.CRITICAL: _clues(
        (r"(?:total|complete|full|major|global) outage|outage|sev[ -]?[01]|p[01]", 1, "an outage"),
        (
            r"production (?:is )?(?:completely )?(?:down|broken|unavailable)|prod (?:is )?(?:down|broken)",
            1,
            "production is down",
        ),
        (
            r"data loss|losing data|breach(?:ed)?|ransomware|everything is (?:down|broken)|nothing works",
            1,
            "harm that grows",
        ),
        (
            r"all (?:customers|users|regions|tenants)|every (?:customer|user)|(?:nobody|no one) can",
            1,
            "all are affected",
        ),
        (
            r"total ?ausfall|ausfall|ausgefallen|datenverlust|alle (?:kunden|nutzer|benutzer)|nichts geht(?: mehr)?",
            1,
            "an outage",
        ),
        (r"ca[ií]do|ca[ií]da total|p[eé]rdida de datos|todos los (?:clientes|usuarios)|nada funciona", 1, "an outage"),
        (
            r"panne (?:totale|g[eé]n[eé]rale)|perte de donn[eé]es|tous les (?:clients|utilisateurs)|plus rien ne",
            1,
            "an outage",
        ),
    ),
    Priority.URGENT: _clues(
        (r"urgent(?:ly)?|asap|immediately|right now|emergency|sev[ -]?2|p2", 1, "it is called urgent"),
        (r"(?:is|are|went|goes|gone) (?:\w{1,20} )?down|offline|unavailable", 1, "something is down"),
        (
            r"payments? (?:are |is )?fail\w{0,4}|checkout (?:is )?fail\w{0,4}|losing (?:money|revenue|orders|sales)",
            1,
            "revenue",
        ),
        (r"many (?:customers|users)|most (?:customers|users|requests)|(?:half|majority) of", 1, "many are affected"),
        (r"dringend|sofort|notfall|viele (?:kunden|nutzer)|zahlungen (?:schlagen|scheitern)", 1, "it is called urgent"),
        (
            r"urgente|inmediat\w{0,6}|muchos (?:clientes|usuarios)|urgence|imm[eé]diat\w{0,6}|en panne|hors service",
            1,
            "urgent",
        ),
    ),
    Priority.HIGH: _clues(
        (r"customers?|users? (?:see|report|complain)\w{0,4}|degraded|sev[ -]?3|p3", 1, "customers notice it"),
        (
            r"production|prod|error rates?|rising|getting worse|spikes?|5xx|crash\w{0,10}|time(?:d|s)?[ -]?outs?",
            1,
            "production suffers",
        ),
        (
            r"kunden|produktion|steigt|schlimmer|clientes?|producci[oó]n|clients?|en production",
            1,
            "customers notice it",
        ),
    ),
    Priority.LOW: _clues(
        (
            r"not urgent|no (?:hurry|rush)|low priority|when (?:you have|there is) time|curious|just wondering",
            1,
            "no hurry",
        ),
        (
            r"nicht dringend|keine eile|wenn (?:ihr|sie) zeit|sin prisa|no es urgente|pas urgent|pas press[eé]",
            1,
            "no hurry",
        ),
        (r"sandbox|staging|test environment|testumgebung|entorno de pruebas|environnement de test", 1, "no production"),
    ),
}

HARD = _clues(
    (
        r"intermittent\w{0,2}|sporadic\w{0,4}|random\w{0,2}|sometimes|flaky|now and then|gelegentlich|sporadisch",
        1,
        "it comes and goes",
    ),
    (r"intermitente\w{0,5}|a veces|par intermittence|parfois|manchmal", 1, "it comes and goes"),
    (
        r"no idea|cannot reproduce|can't reproduce|tried everything|for (?:days|weeks)|seit (?:tagen|wochen)",
        1,
        "others looked in vain",
    ),
    (r"(?:several|multiple|many|all) (?:services|systems|regions|clusters|data ?cent(?:er|re)s)", 1, "several systems"),
    (
        r"mehrere (?:dienste|systeme)|varios (?:servicios|sistemas)|plusieurs (?:services|syst[eè]mes)",
        1,
        "several systems",
    ),
    (r"cascad\w{1,4}|race condition|split[ -]brain|corrupt\w{0,5}|data loss|deadlocks?", 1, "it is of the hard kinds"),
)

NEGATED = re.compile(
    r"(?:^|\W)(?:no|not|never|without|isn't|aren't|wasn't|kein\w{0,2}|nicht|ohne|sin|pas|sans|aucune?|nessun\w?)"
    r"(?: (?:a|an|any|the|yet|ein|eine|de|d'))? $"
)
"""What stands right before a clue that does not hold."""
