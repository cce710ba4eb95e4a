"""Messages to look at: one by the real way from articles to bytes, and small ones for one question each."""

from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

from digest.deliver.letters import write_message
from digest.mail.assembly import Masthead
from digest.proof import choose_reader, make_proof
from digest.store.articles import save_articles
from digest.workspace import create_workspace
from letters import Letter, build_message
from workspaces import EDITION, NOW, SENDER, SetClock, fill_with_news, make_article, open_at, settings_text

IMAGE = "https://hanbit.example/images/bridge.jpg"
LINK = "https://hanbit.example/digest/unsubscribe/T0ken"


def write_digest(folder: Path) -> bytes:
    """The message a proof of a small week gives, its first article with a picture."""
    file = create_workspace(folder / "site", name="한빛뉴스", sender=SENDER, timezone="Asia/Seoul", locale="ko")
    file.write_text(settings_text({"min_articles": 3}), encoding="utf-8")
    with open_at(file, SetClock()) as app:
        fill_with_news(app.database)
        lead = make_article(1, image=IMAGE, image_caption="새벽의 다리", image_width=1200, image_height=800)
        with app.database.transaction():
            save_articles(app.database, [lead], read_at=NOW)
        edition, _ = app.open_edition(app.settings.newsletter(None), EDITION)
        proof = make_proof(app.database, edition, app.workshop)
        return write_message(proof.letterhead, proof.variant, choose_reader(proof, None)).content


def write_mail(
    html: str, *, text: str = "소식\n", subject: str = "주간 한빛", name: str = "한빛뉴스", unsubscribe: str = LINK
) -> bytes:
    """A message around one HTML part."""
    masthead = Masthead(
        sender=Address(name, "news", "hanbit.example"),
        reply_to=None,
        subject=subject,
        date=datetime(2026, 3, 2, tzinfo=UTC),
        list_id="weekly.hanbit.example",
        list_name="주간 한빛",
    )
    letter = Letter(
        recipient=Address("", "kim", "example.com"),
        message_id="<1@hanbit.example>",
        unsubscribe_url=unsubscribe,
        unsubscribe_mailto="",
        html=html,
        text=text,
    )
    return build_message(masthead, letter)
