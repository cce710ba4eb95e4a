"""What takes long, each in a thread of its own: sending, the web, a spam scan, the check of a long mail."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from digest.app import open_app
from digest.check.contract import check_mail
from digest.check.finding import Finding
from digest.clock import Clock
from digest.deliver.apart import send_apart
from digest.deliver.letters import write_message
from digest.deliver.open_transport import open_transport
from digest.deliver.press import address_letterhead, make_seal
from digest.deliver.transport import Outcome
from digest.errors import DigestError
from digest.illustrate import ImagesReport, read_images
from digest.inspection import options_for
from digest.proof import example_reader
from digest.source.fetch import fetch
from digest.web.preview.link_check import CheckedLink, LinkState, Probe, check_link, urls_to_check
from digest.web.preview.links import list_links
from digest.web.preview.picture import Picture
from digest.web.preview.spam import SpamReport, find_scanner, scan

LINKS_SECONDS = 40.0
"""After so many no other link is begun."""
IMAGES_SECONDS = 30.0
"""After so many no other picture is begun."""


class Errands:
    """Runs what takes long beside the page."""

    def __init__(self, settings_file: Path, *, is_ending: Callable[[], bool], probe: Probe = fetch) -> None:
        """Run errands for a workspace.

        Args:
            settings_file: of the workspace.
            is_ending: whether the server wants to stop; then nothing new is begun.
            probe: asks the web for links.
        """
        self._settings_file = settings_file
        self._is_ending = is_ending
        self._probe = probe

    async def check(self, picture: Picture) -> tuple[Finding, ...]:
        """What the email-safe contract finds in the message."""
        settings = picture.edition.settings
        options = options_for(settings.site, picture.edition.newsletter)
        return await asyncio.to_thread(check_mail, picture.parts.content, options)

    async def send(self, picture: Picture, address: str) -> Outcome:
        """Send the picture's message to one address. Its own links belong to nobody: they change no subscription.

        Raises:
            TransportError: there is no way out; nothing was handed over.
        """
        proof, settings = picture.proof, picture.edition.settings
        seal = make_seal(settings, picture.edition.newsletter, Clock())
        letterhead = address_letterhead(proof.letterhead, settings.delivery, is_automatic=False)
        message = seal(write_message(letterhead, proof.variant, example_reader(letterhead, address)))
        transport = open_transport(settings.delivery, settings.folder, clock=Clock())
        (outcome,) = await asyncio.to_thread(send_apart, transport, [message])
        return outcome

    async def check_links(self, picture: Picture) -> Sequence[CheckedLink]:
        """Ask for every link that may be asked for, some side by side."""
        end = time.monotonic() + LINKS_SECONDS
        urls = urls_to_check(list_links(picture.parts))
        return await asyncio.gather(*(asyncio.to_thread(self._check_link, url, end) for url in urls))

    def _check_link(self, url: str, end: float) -> CheckedLink:
        if self._is_ending() or time.monotonic() >= end:
            return CheckedLink(url=url, state=LinkState.REFUSED, detail=f"not asked: {LINKS_SECONDS:g} s were over")
        return check_link(url, self._probe)

    def can_scan(self) -> bool:
        """Whether this machine has a SpamAssassin."""
        return find_scanner() is not None

    async def scan(self, picture: Picture) -> SpamReport:
        """Let this machine's SpamAssassin judge the message.

        Raises:
            DigestError: there is none, or it fails.
        """
        scanner = find_scanner()
        if scanner is None:
            raise DigestError("there is no spamassassin on this machine")
        return await asyncio.to_thread(scan, picture.parts.content, scanner)

    async def read_images(self, urls: Sequence[str]) -> ImagesReport:
        """Read pictures from the web into the workspace's database."""
        return await asyncio.to_thread(self._read_images, urls)

    def _read_images(self, urls: Sequence[str]) -> ImagesReport:
        with open_app(self._settings_file) as app:
            return read_images(
                app.database,
                urls,
                now=app.clock.now(),
                fetch=fetch,
                seconds=IMAGES_SECONDS,
                is_stopped=self._is_ending,
            )
