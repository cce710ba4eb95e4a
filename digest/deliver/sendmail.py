"""The way out through sendmail(1): a program of this machine that reads one message and queues it.

Postfix, Exim, OpenSMTPD, msmtp and others bring a program of that name. What it says is its exit status, in the words
of sysexits(3).
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import IO

from digest.deliver.carry import carry_each
from digest.deliver.transport import Ending, Envelope, Outbox, Outcome, Parcel
from digest.errors import TransportError
from digest.model import DeliveryState

_NOT_ALLOWED, _MISCONFIGURED = os.EX_NOPERM, os.EX_CONFIG
STATES_BY_STATUS: Mapping[int, DeliveryState] = {
    os.EX_OK: DeliveryState.SENT,
    os.EX_USAGE: DeliveryState.DEFERRED,
    os.EX_DATAERR: DeliveryState.FAILED,
    os.EX_NOUSER: DeliveryState.FAILED,
    os.EX_NOHOST: DeliveryState.FAILED,
    os.EX_UNAVAILABLE: DeliveryState.DEFERRED,
    os.EX_OSERR: DeliveryState.DEFERRED,
    os.EX_OSFILE: DeliveryState.DEFERRED,
    os.EX_IOERR: DeliveryState.DEFERRED,
    os.EX_TEMPFAIL: DeliveryState.DEFERRED,
}
"""What an exit status means; any other is `deferred`, as the program says only that it has not taken the message.

EX_USAGE is what most programs say of a wrong option in the settings, and that must not fail a whole list.
EX_UNAVAILABLE is Postfix's status where its queue could not be used ("unable to execute postdrop"). Exim says 1 for
every fault, a full spool among them, so 1 cannot mean "never". EX_TEMPFAIL is "not taken, try again" with Postfix,
OpenSMTPD and msmtp; Sendmail itself says it of a message that it has queued, if it is made to deliver at once (`-odi`).
EX_NOPERM (Postfix: this user may not submit mail) and EX_CONFIG hold for every message: they are TransportErrors.
"""
_SHELL_KILLED = 128
"""From here on a shell reports a signal, and ssh a lost connection: what the program did is not known."""
_LONGEST_REPLY = 300


@dataclass(frozen=True, kw_only=True)
class SendmailTransport:
    """A program that takes our messages."""

    command: tuple[str, ...]
    """The program with its options; `-i` among them, or a line of one dot would end the message."""
    timeout: float = 300
    """Seconds the program may take for one message; then it is killed."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["SendmailConnection"]:
        """See whether the program is there.

        Raises:
            TransportError: it is not, or may not be run.
        """
        if shutil.which(self.command[0]) is None:
            raise TransportError(
                f"{self.command[0]} is not there, or may not be run by this user; check delivery.sendmail"
            )
        yield SendmailConnection(command=self.command, timeout=self.timeout)


@dataclass(frozen=True, kw_only=True)
class SendmailConnection:
    """The program, run once for each message."""

    command: tuple[str, ...]
    timeout: float

    async def carry(self, outbox: Outbox) -> Ending:
        """See `Connection.carry`."""
        return await carry_each(outbox, self._deliver)

    async def _deliver(self, parcel: Parcel) -> Outcome:
        with self._scratch_file() as errors:
            process = await self._start(parcel.envelope, errors)
            run = _Run(process=process)
            try:
                async with asyncio.timeout(self.timeout):
                    await run.feed(parcel.content.replace(b"\r\n", b"\n"))
                    await process.wait()
            except TimeoutError:
                return run.judge_killed(f"did not end within {self.timeout:g} seconds")
            finally:
                await run.end()
            return self._judge(run, _first_words(errors))

    def _scratch_file(self) -> IO[bytes]:
        """For what the program says. A pipe would not do: a child that stays in the background keeps it open."""
        try:
            return tempfile.TemporaryFile()
        except OSError as error:
            raise self._unusable(error) from error

    async def _start(self, envelope: Envelope, errors: IO[bytes]) -> asyncio.subprocess.Process:
        """Without a shell; after `--` an address that begins with "-" is no option."""
        try:
            return await asyncio.create_subprocess_exec(
                *self.command,
                "-f",
                envelope.sender,
                "--",
                envelope.recipient,
                stdin=asyncio.subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=True,  # a program that is killed takes its children along
            )
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> TransportError:
        return TransportError(f"{self.command[0]} cannot be run ({error.strerror}); check delivery.sendmail")

    def _judge(self, run: "_Run", said: str) -> Outcome:
        status = run.process.returncode or 0
        if status < 0 or status >= _SHELL_KILLED:
            return run.judge_killed(f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with {status}")
        if status in (_NOT_ALLOWED, _MISCONFIGURED):
            what = f"{self.command[0]} takes no mail (exit status {status}{said and f': {said}'})"
            raise TransportError(f"{what}; check delivery.sendmail")
        if status == os.EX_OK and not run.fed_whole:
            return Outcome(
                state=DeliveryState.UNCERTAIN,
                reply="the program ended well, but did not read the whole message; is -i among delivery.sendmail?",
            )
        state = STATES_BY_STATUS.get(status, DeliveryState.DEFERRED)
        return Outcome(state=state, reply=said or f"exit status {status}")


@dataclass(kw_only=True)
class _Run:
    """One run of the program, for one message."""

    process: asyncio.subprocess.Process
    fed_whole: bool = False
    """Whether the whole message is out of our hands: from then on it may be delivered."""

    @property
    def _input(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None  # noqa: S101 - it was asked for
        return self.process.stdin

    async def feed(self, content: bytes) -> None:
        """Write the message and its end; a program that stops reading says why by its exit status."""
        with suppress(ConnectionError, RuntimeError):  # uvloop raises the latter for a pipe that is closed already
            self._input.transport.set_write_buffer_limits(high=0)  # so that drain waits for the last byte
            self._input.write(content)
            await self._input.drain()
            self.fed_whole = True
        self._input.close()

    def judge_killed(self, what: str) -> Outcome:
        """Nobody knows what a program did that was killed with the whole message in its hands."""
        state = DeliveryState.UNCERTAIN if self.fed_whole else DeliveryState.DEFERRED
        return Outcome(state=state, reply=f"the program {what}")

    async def end(self) -> None:
        """Kill it, and what it started, where it still runs; before its input ends, or it would take half a message."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        if not self._input.is_closing():
            self._input.transport.abort()
        with suppress(ConnectionError):
            await self._input.wait_closed()


def _first_words(errors: IO[bytes]) -> str:
    """The beginning of what the program said, in one line."""
    errors.seek(0)
    return " ".join(errors.read(_LONGEST_REPLY).decode(errors="replace").split())


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
