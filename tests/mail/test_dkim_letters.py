"""A run of a thousand messages as subscribers get them: every signature verifies under dkimpy."""

from datetime import date

from dkim_samples import ED25519, RSA, SIGNED_AT, verifies

from digest.deliver.letters import Letterhead, Reader, split_body, write_message
from digest.mail.dkim import Signer
from digest.settings import NewsletterSettings, SiteSettings

NONCE = "0123456789abcdef"
SLOTS = f"https://{NONCE}.invalid/unsubscribe_url/ https://{NONCE}.invalid/address/"
STORIES = "".join(f"<tr>\n\t<td>  {number}. 다리 위의 새벽, {number:,}번 읽힘 </td>\n</tr>\n" for number in range(60))
NAMES = ("김하늘", "이 샘", "남궁 민수", "O'Brien, Séan", '"별"', "", "가" * 40)


def make_letterhead():
    bodies = {
        "all": split_body(
            "다리 위의 새벽 · 주간 한빛", f"<table>\n{STORIES}</table>\n{SLOTS}\n", f"새벽\n\n{SLOTS}\n", NONCE
        ),
        "plain": split_body("Dawn", f"<p>Dawn  over the bridge \n\t</p>\n{SLOTS}", f"Dawn \n-- \n{SLOTS}", NONCE),
    }
    return Letterhead(
        site=SiteSettings(name="한빛", url="https://hanbit.example", unsubscribe_mailto="bye@hanbit.example"),
        newsletter=NewsletterSettings(
            **{
                "slug": "weekly",
                "title": "주간 한빛",
                "from": "한빛 <news@hanbit.example>",
                "reply_to": "편집국 <editor@hanbit.example>",
            }
        ),
        edition=date(2024, 3, 2),
        issue_id=3,
        date=SIGNED_AT,
        key=b"k" * 32,
        bodies=bodies,
    )


def test_every_message_of_a_run_verifies_with_both_keys():
    letterhead, signer = make_letterhead(), Signer((RSA, ED25519))
    for number in range(1000):
        reader = Reader(subscriber_id=number + 1, address=f"reader{number}@example.com", name=NAMES[number % 7])
        message = write_message(letterhead, ("all", "plain")[number % 2], reader).content
        assert verifies(signer.sign(message, now=SIGNED_AT), RSA, ED25519), number
