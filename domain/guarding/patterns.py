"""What attacks look like in the arguments of tools and in texts. Every quantifier is bounded.

The name of an argument says how strictly it is read: one that names a target (`host`, `path`, `service`, ...) may hold
no character that a shell interprets; anywhere else such a character counts only where a command follows.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any(*alternatives: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), flags)


TARGET_NAMES = _words(
    "arg args argv binary branch bucket cluster cmd command container cwd daemon database deployment destination "
    "device dir directory domain endpoint entrypoint env environment exec executable file filename filepath flag "
    "flags folder host hostname hosts image instance interface ip job library machine method module namespace "
    "node nodes package path paths pid pod pods port process program queue ref region release repo repository "
    "schema script selector server service services shell socket stage table target targets unit uri url volume "
    "workload zone"
)
"""Words in the names of arguments whose values name a thing and are never sentences."""
PROSE_NAMES = _words(
    "answer body comment comments content description details explanation feedback html memo message note notes prose "
    "question reason reply subject summary text title"
)
"""Words in the names of arguments whose values are sentences for people."""
HOST_NAMES = _words("address domain host hostname hosts ip machine node server target")
PATH_NAMES = _words("cwd dir directory file filename filepath folder path paths")
PATTERN_NAMES = _words("expression filter match pattern regex regexp")
WHOLE_NAMES = TARGET_NAMES | PATTERN_NAMES | _words("customer customers id ids key keys query tenant user users where")
"""Words in the names of arguments in which a wildcard stands for everything."""
QUERY_NAMES = _words("condition expression filter kql match promql query search sql statement where")
"""Words in the names of arguments that hold a whole query."""
COMMAND_NAMES = _words("cmd command exec executable program script")

_COMMAND = (
    r"(?:(?:/\w[\w.-]{0,40}){1,6}|rm|mv|cp|dd|ls|id|cat|nc|ncat|curl|wget|bash|sh|zsh|ksh|dash|sudo|su|chmod|chown"
    r"|python\d?|perl|ruby|php|node|eval|exec|echo|printf|printenv|env|export|kill|pkill|killall|sleep|ping|touch|tee"
    r"|tar|whoami|uname|hostname|mkfs\w{0,8}|mount|shutdown|reboot|halt|poweroff|systemctl|service|kubectl|helm|docker"
    r"|podman|crontab|nohup|ssh|scp|sftp|rsync|socat|telnet|nslookup|dig|base64|xxd|awk|sed|find|xargs|powershell|pwsh"
    r"|cmd|certutil|aws|gcloud|az|psql|mysql|sqlite3|redis-cli|iptables|useradd|passwd|source|tail)"
)
_GOES_ON = r"(?=\s{1,5}(?:[-/.~$\"'*>|&\d]|\w{1,40}://)|\s{0,5}\Z|\s{0,5}[;|&\n])"
"""What follows a command and hardly ever a word of a sentence."""

SHELL_CHARACTERS = re.compile(r"[;|&$`<>\n\r\\]|\A\s{0,20}-\D")
"""Nothing that names a target holds one of these."""
SHELL = _any(
    r"\$\([^)\n]{1,500}",
    r"\$\{?IFS\b",
    r"\$\{[A-Z_]{1,40}(?::?[-=+?][^}\n]{0,100})?\}",
    r"[<>]\([^)\n]{1,200}\)",
    r">\s{0,3}/(?:dev|etc|tmp|var)/",
    rf"`\s{{0,5}}{_COMMAND}\b[^`\n]{{0,300}}`",
    rf"(?:;|\|{{1,2}}|&{{1,2}}|\n|\r)\s{{0,5}}{_COMMAND}{_GOES_ON}",
    r"(?:;|&&|\|\|)\s{0,5}(?:rm|sudo|curl|wget|bash|nc|chmod|chown|mkfs\w{0,8}|shutdown|reboot|kill|pkill|dd)\s",
    r"\|\s{0,5}(?:ba|z|k|da)?sh\b",
    r"\|\s{0,5}(?:nc|ncat|netcat|socat|curl|wget|xargs|sudo)\s",
)
"""A command inside a text: substitution, or a separator with a command behind it."""
OPTION = re.compile(r"\A\s{0,20}(?:--[A-Za-z]|-o\s?[A-Z])")
"""What a program takes for an option, such as `-oProxyCommand=...`."""

TRAVERSAL = _any(
    r"(?:\A|[^.\w])\.\.(?:[/\\]|\Z)",
    r"[/\\]\.\.(?:[/\\]|\Z)",
    r"\.\.[/\\]\.\.[/\\]",
    "\x00|%00",
)
SENSITIVE_PATH = _any(
    r"(?:\A|[\s'\"=:,(])/dev/(?:tcp|udp|fd|mem|kmem|shm|null|zero|u?random|std\w{2,3}|tty\w{0,8}|pts|mapper|disk"
    r"|loop\d{0,3}|(?:[shv]|xv)d[a-z]\d{0,3}|nvme\w{0,12})(?:/|\Z|\s)",
    r"(?:\A|[\s'\"=:,(])/(?:etc|proc|sys|root|boot|var/run|run/secrets|var/lib|var/spool|usr/s?bin|s?bin)(?:/|\Z|\s)",
    r"(?:\A|[\s'\"=:/])~?/?\.(?:ssh|aws|kube|gnupg|docker|netrc|pgpass|git-credentials|env)(?:/|\Z|\s)",
    r"(?:\A|[\s'\"=])~(?:root)?/\.",
    r"(?:\A|[\s'\"=])[A-Z]:\\(?:windows|users|programdata|boot)",
    r"(?:\A|[\s'\"=])\\\\[\w.?-]{1,80}\\",  # a share on another machine
)
ABSOLUTE = re.compile(r"\A\s{0,20}(?:~|[A-Za-z]:[\\/]|\\\\)")

ENVIRONMENT = _any(
    r"/proc/(?:self|\d{1,8}|\*)/(?:environ|mem|maps|fd|cmdline|root|cwd)",
    r"\b(?:LD_PRELOAD|LD_LIBRARY_PATH|BASH_ENV|NODE_OPTIONS|PYTHONSTARTUP|PYTHONPATH|PERL5OPT|GIT_SSH_COMMAND"
    r"|PROMPT_COMMAND)\s{0,3}[=:]",
    r"\bos\.environ\b|\bprocess\.env\b|\bgetenv\s{0,3}\(",
    r"(?:[;|&]|\A)\s{0,5}printenv\b",
    r"\$\{?[A-Z0-9_]{0,40}(?:SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|CREDENTIAL)[A-Z0-9_]{0,40}",
    r"%[A-Z_]{0,40}(?:SECRET|TOKEN|PASSWORD|APIKEY)[A-Z_]{0,40}%",
    r"\$\{(?:env|sys|jndi|ctx|java)[:.]",
    r"\bulimit\s{1,3}-c\s{1,3}(?!0\b)|\bgcore\b|\bcore_pattern\b",
)
"""Reads a process's environment or memory, or makes it load something."""
ENVIRONMENT_COMMAND = re.compile(r"\A\s{0,5}(?:env|export|set|printenv)(?:\s|\Z)")

_COMPARED = r"\s{0,5}(?:=|like|<>|<|>)\s{0,5}['\"(]?"
BREAKOUT = re.compile(
    rf"['\")]\s{{0,10}}(?:or|and|\|\||&&)\s{{1,10}}(?:not\s{{1,5}})?['\"(]?\s{{0,5}}\w{{1,20}}['\")]{{0,2}}{_COMPARED}",
    re.IGNORECASE,
)
"""Ends a quotation and goes on with a condition: what a value never does and a whole query does all the time."""
QUERY = _any(
    rf"['\")\s](?:or|\|\|)\s{{1,10}}['\"(]?\s{{0,5}}(?P<same>\w{{1,20}})['\")]{{0,2}}{_COMPARED}(?P=same)\b",
    r"\bunion\s{1,10}(?:all\s{1,10})?select\b",
    r";\s{0,10}(?:drop|alter|truncate|exec(?:ute)?|grant|revoke|shutdown|create|copy|attach)\b",
    r";\s{0,10}(?:delete\s{1,5}from|insert\s{1,5}into|update\s{1,5}\w{1,60}\s{1,5}set)\b",
    r"'\s{0,5}(?:--|#|/\*|;)",
    r"\bxp_\w{2,40}|\binto\s{1,5}(?:out|dump)file\b|\bcopy\s[^;\n]{0,200}\b(?:to|from)\s{1,5}program\b",
    r"\b(?:pg_sleep|pg_read_file|lo_import|load_file|benchmark|waitfor\s{1,5}delay|dbms_\w{2,20}|utl_http)\b\s{0,3}[.('\"]",
    r"\*\)\s{0,5}\(\s{0,5}[|&]?\s{0,5}\(?\w{1,40}=|\)\(\w{1,40}=\*|\(\|\(\w{1,40}=\*",  # LDAP
    r"\"\s{0,5}\}\s{0,5}(?:or|and|unless)\b|\"\s{0,5},\s{0,5}\w{1,40}\s{0,3}=~\s{0,3}\"\.[*+]",  # PromQL
    r"\bexternaldata\s{0,3}\(|\|\s{0,5}(?:invoke|evaluate)\s{1,5}\w|\bhttp_request\s{0,3}\(",  # KQL
    r"\A\$(?:where|function|accumulator|ne|gt|gte|regex|nin)=\Z",  # a key of MongoDB's
    r"[\"']\$(?:where|function|accumulator|ne|gt|gte|regex|nin)[\"']\s{0,3}:",
)
"""Breaks out of a value into a query, or runs something through one."""
NESTED_QUANTIFIER = re.compile(
    r"\((?:[^()\\]|\\.){0,100}[+*](?:[^()\\]|\\.){0,20}\)\s{0,2}(?:[+*]|\{\d{0,4},)|\(\.\*\)\{\d{2,4}"
)
"""A regular expression that takes for ever."""

_NAME = r"[\w.\"`\[\]]{1,100}"
_ENDS = r"\s{0,5}(?:[;,]|--|\Z|\n|cascade\b|restart\b|restrict\b)"
_ALL_ROWS = r"where\s{1,5}(?:1\s{0,3}=\s{0,3}1|true)\b"
DESTRUCTIVE = _any(
    r"\bdrop\s{1,5}(?:table|database|schema|index|view|user|role|keyspace|collection)\s{1,5}(?:if\s{1,5}exists\s{1,5})?"
    rf"{_NAME}{_ENDS}",
    rf"\btruncate\s{{1,5}}(?:table\s{{1,5}})?{_NAME}{_ENDS}",
    rf"\bdelete\s{{1,5}}from\s{{1,5}}[\w.\"`]{{1,100}}\s{{0,5}}(?:;|\Z|{_ALL_ROWS})",
    rf"\bupdate\s{{1,5}}[\w.\"`]{{1,100}}\s{{1,5}}set\s[^;\n]{{1,300}}?\b{_ALL_ROWS}",
    r"\brm\s{1,5}(?:-\w{1,10}\s{1,5}){0,3}-\w{0,5}[rf]\w{0,5}\s{1,5}(?:--no-preserve-root\s{1,5})?[/~*.\w$]",
    r"\bmkfs(?:\.\w{1,10})?\s|\bdd\s{1,5}if=|\bwipefs\b|\bformat\s{1,5}[a-z]:(?:\s|\Z)|\bdel\s{1,5}/[sfq]\b",
    r"\bflush(?:all|db)\b|\bdropdatabase\b|:\(\)\s{0,3}\{",
    r"\bkubectl\s{1,5}delete\b[^\n]{0,100}--all\b|\bterraform\s{1,5}destroy\b",
    r"\bgit\s{1,5}push\s[^\n]{0,60}--force\b",
)
"""Destroys, whoever asks."""
WILDCARD = re.compile(
    r"\A\s{0,5}(?:\*{1,2}|%|\.\*|\.\+|all|--all|-A|/|/\*{1,2}|\*\.\*|[\w.-]{0,40}/\*{1,2}|\*=\*|true|1\s?=\s?1)\s{0,5}\Z",
    re.IGNORECASE,
)
"""A target that is everything."""
PRODUCTION = re.compile(r"(?:\A|[^a-z])(?:prod|production|prd)(?:\Z|[^a-z])", re.IGNORECASE)
DESTROYING_WORDS = _words(
    "decommission delete destroy drop erase flush purge remove shred terminate truncate uninstall wipe"
)
"""Words of a tool's name or capability that say it takes something away."""

_RULES = r"(?:instruction|prompt|rule|guideline|direction|context|polic|restriction|guardrail)"
INSTRUCTIONS = _any(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}"
    rf"\b(?:previous|prior|above|earlier|all|your|any|system|these|those)\b[^.\n]{{0,40}}\b{_RULES}",
    r"\b(?:system|developer|hidden|initial)\s{1,3}(?:prompt|message|instruction)s?\b",
    r"\byou are now\b|\bpretend (?:to be|you are)\b|\b(?:developer|god|dan|jailbreak)\s{1,3}mode\b",
    r"\bact as (?:an?|the)\b[^.\n]{0,30}\b(?:admin|assistant|ai|bot|model|developer|root|system)\b",
    r"\bnew instructions?\s{0,3}:|(?:\A|\n)\s{0,5}(?:system|assistant|developer)\s{0,3}:\s",
    r"<\|?(?:im_start|im_end|system|endoftext|assistant)\|?>|\[/?INST\]|<</?SYS>>",
    r"\b(?:do not|don't|never)\s{1,3}(?:tell|inform|notify|alert|escalate)\b",
    r"\b(?:approve|grant|refund|execute|process)\b[^.\n]{0,60}"
    r"\b(?:without (?:any )?(?:approval|asking|confirmation|review)|automatically)\b",
    r"\b(?:reveal|print|repeat|show|leak|output)\b[^.\n]{0,30}\b(?:your|the|system|hidden)\b[^.\n]{0,20}"
    r"\b(?:prompt|instructions|api key|secrets?|configuration)\b",
    r"\b(?:call|invoke|run|use) the \w{1,40} (?:tool|function)\b",
    r"\bignorier\w{0,3}[^.\n]{0,40}(?:anweisung|regel)|\bignore[rz]?[^.\n]{0,40}consignes\b",
    r"\bignora[^.\n]{0,40}(?:instrucciones|istruzioni|instru[çc][õo]es)\b",
)
"""Speaks to a machine rather than to a person."""
