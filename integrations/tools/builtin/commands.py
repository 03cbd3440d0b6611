"""Running configured commands."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field

from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.model import JsonValue, Value
from domain.text.redaction import Redactor
from domain.tools.tool import Safety, ToolCategory
from integrations.commands import AllowedCommand, AllowedCommands, Ended, run_command
from integrations.tools.authentication import Secrets, secret_of
from integrations.tools.provider import CallContext, NotAllowed
from integrations.tools.python import tool

VENDOR = "command"
_ODD = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_ERROR_LIMIT = 1_000


class Run(Value):
    """What to run."""

    command: str = Field(min_length=1, max_length=60, description="name below `commands` in tools.yaml")
    arguments: dict[str, str] = Field(default_factory=dict, max_length=20, description="by the names it takes")


class Ran(Value):
    """What it wrote."""

    exit_code: int
    output: str
    errors: str
    complete: bool
    """False when some of it was dropped."""
    summary: str


class CommandTools:
    """Runs commands that the configuration names."""

    def __init__(self, commands: AllowedCommands, secrets: Secrets) -> None:
        """Look up every secret.

        Raises:
            ConfigurationProblem: a secret is not set.
        """
        self._commands = commands.root
        self._environments = {
            name: {
                **command.variables,
                **{
                    variable: secret_of(secrets, secret, f"The command {name}")
                    for variable, secret in command.env.items()
                },
            }
            for name, command in self._commands.items()
        }
        self._redactor = Redactor()

    @tool(
        name="command.run",
        title="Run a command that is on the list",
        vendor=VENDOR,
        category=ToolCategory.EXECUTION,
        capabilities=("command.run",),
        safety=Safety.CONFIRM,
        timeout=timedelta(minutes=16),
        result_limit_bytes=500_000,
    )
    async def run(self, arguments: Run, context: CallContext) -> Ran:
        """A program by its whole path, without a shell, with arguments that fit their patterns.

        Raises:
            NotAllowed: the tenant has no such command, or an argument is not what it may be.
            VendorRefused: it ended with a code that is not expected.
            OutcomeUnknown: it was ended and may have changed something.
            VendorUnavailable: it could not be started.
        """
        command = self._commands.get(arguments.command)
        if command is None or not command.is_for(context.tenant):
            raise NotAllowed("There is no such command for this tenant: see `commands` in tools.yaml.")
        words = command.filled_in(arguments.arguments)
        try:
            ended = await run_command(
                words,
                environment=self._environments[arguments.command],
                seconds=command.timeout_seconds,
                output_limit=command.output_limit_bytes,
                beat=context.beat,
            )
        except OSError:
            raise VendorUnavailable(
                VENDOR, "not_started", "The command's program cannot be started: correct its path in tools.yaml."
            ) from None
        return self._judged(arguments.command, command, ended)

    @tool(
        name="command.look",
        title="Run a command that is on the list and changes nothing",
        vendor=VENDOR,
        category=ToolCategory.MONITORING,
        capabilities=("command.look",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=timedelta(minutes=16),
        result_limit_bytes=500_000,
    )
    async def look(self, arguments: Run, context: CallContext) -> Ran:
        """As `command.run`, of commands that are listed with `changes: false` only.

        Raises:
            NotAllowed: the tenant has no such command, it may change something, or an argument is not what it may be.
            VendorRefused: it ended with a code that is not expected, or was ended.
            VendorUnavailable: it could not be started.
        """
        command = self._commands.get(arguments.command)
        if command is not None and command.changes:
            raise NotAllowed("This command may change something: say `changes: false` in tools.yaml if it does not.")
        return await self.run(arguments, context)

    def _judged(self, name: str, command: AllowedCommand, ended: Ended) -> Ran:
        output, errors = (self._shown(name, content) for content in (ended.output, ended.errors))
        said: JsonValue = {"output": output[-_ERROR_LIMIT:], "errors": errors[-_ERROR_LIMIT:]}
        if ended.exit_code is None:
            why = "took too long" if ended.reason == "time_out" else "wrote too much"
            kind = OutcomeUnknown if command.changes else VendorRefused
            failure = kind(VENDOR, ended.reason, f"The command {why} and was ended.")
            failure.data = said
            raise failure
        if ended.exit_code not in command.expected:
            failed = VendorRefused(VENDOR, f"exit_{ended.exit_code}", f"The command failed (code {ended.exit_code}).")
            failed.data = said
            raise failed
        first = next((line for line in output.splitlines() if line.strip()), "It said nothing.")
        return Ran(exit_code=ended.exit_code, output=output, errors=errors, complete=not ended.cut, summary=first[:200])

    def _shown(self, name: str, content: bytes) -> str:
        """Text without control characters, and without its own secrets or others."""
        text = _ODD.sub("", content.decode("utf-8", "replace"))
        for variable in self._commands[name].env:
            text = text.replace(self._environments[name][variable], "[hidden]")
        return self._redactor.redact(text, kinds=frozenset({"SECRET"})).text
