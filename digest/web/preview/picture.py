"""One issue as one reader gets it: what every pane and every figure of the page is taken from."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from digest.compose import Edition
from digest.deliver.letters import slot_values, write_message
from digest.model import Subscriber
from digest.proof import Proof, choose_reader, make_proof
from digest.store.database import Database
from digest.store.images import get_image_content, get_images
from digest.variants import Workshop
from digest.web.preview.panes import Pane, draw_pane
from digest.web.preview.parts import Parts, open_parts


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A finished message with what it was made from. Made by `take_picture`."""

    id: str
    """The same for the same contents: a redraw that changed nothing a reader sees changes no pane."""
    edition: Edition
    reader: Subscriber | None
    """As whom; None for those without wishes of their own."""
    proof: Proof
    parts: Parts


def take_picture(database: Database, edition: Edition, workshop: Workshop, reader: Subscriber | None) -> Picture:
    """Write the message of an edition for one reader, by the very functions that send it.

    Raises:
        DigestError: there is nothing to show, or a template is wrong; the message says which and where.
    """
    proof = make_proof(database, edition, workshop, reader=reader, for_everyone=False)
    recipient = choose_reader(proof, reader)
    body, values = proof.letterhead.bodies[proof.variant], slot_values(proof.letterhead, recipient)
    shown = get_images(database, [choice.article.image for choice in proof.shown])
    images = (f"{image.url} {image.read_at}" for image in shown.values())
    # The Date header is left out of the id: it moves on by itself.
    contents = "\0".join((body.subject, body.html.fill(values), body.text.fill(values), recipient.address, *images))
    return Picture(
        id=hashlib.sha256(contents.encode()).hexdigest()[:24],
        edition=edition,
        reader=reader,
        proof=proof,
        parts=open_parts(write_message(proof.letterhead, proof.variant, recipient).content),
    )


def draw_alone(database: Database, parts: Parts, pane: Pane) -> str:
    """One pane as a document that needs no server: the pictures that were read are inside it."""

    def image_address(url: str) -> str | None:
        found, content = get_images(database, [url]).get(url), get_image_content(database, url)
        if found is None or content is None:
            return None
        return f"data:{found.type};base64,{b64encode(content).decode()}"

    return draw_pane(parts, pane, image_address)
