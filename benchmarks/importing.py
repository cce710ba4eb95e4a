"""Print what importing a million subscribers costs: medians of rounds on this machine.

    python benchmarks/importing.py [--rounds 3] [--rows 1000000] [--shape mailchimp ...]

For each shape the script makes a list as that system exports it, with Korean names and addresses of 40,000 domains,
and imports it into an empty workspace and then once more into the same one. Meanwhile another process asks for the
database's write lock every 50 ms, as a sender would; the longest it had to wait is printed too.
"""

import argparse
import csv
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from measuring import Rounds, measure, verdict

DOMAINS = 40_000
FAMILY_NAMES = "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노"
SYLLABLES = "민서지우하윤도현예준수아은채주원시건유진영정미경희성호재훈혜인"
LARGE_PROVIDERS = ("naver.com", "gmail.com", "daum.net", "hanmail.net", "kakao.com")
ASKING_SECONDS = 0.05
MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,"
    "GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
GHOST = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers"
)


class Reader:
    """One invented reader."""

    def __init__(self, number: int, dice: random.Random) -> None:
        domain = dice.choice(LARGE_PROVIDERS) if dice.random() < 0.6 else f"mail{dice.randrange(DOMAINS)}.co.kr"
        self.address = f"{dice.choice('abcdefghijklmnop')}{number * 7919 % 1_000_003}.{dice.randrange(1000)}@{domain}"
        self.family = dice.choice(FAMILY_NAMES)
        self.given = dice.choice(SYLLABLES) + dice.choice(SYLLABLES)
        self.joined = (
            f"20{dice.randrange(15, 26)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02} "
            f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}"
        )
        self.tags = dice.choice(([], [], ["vip"], ["vip", "서울"], ["event-2024"]))
        self.has_left = dice.random() < 0.05
        self.sections = dice.choice(("", "economy", "economy;society"))


Cells = Callable[[Reader], list[str]]
SHAPES: dict[str, tuple[str, Cells]] = {
    "digest": (
        "address,name,state,sections,tags,consent_at",
        lambda r: [
            r.address,
            r.family + r.given,
            "unsubscribed" if r.has_left else "",
            r.sections,
            ";".join(r.tags),
            r.joined,
        ],
    ),
    "mailchimp": (
        MAILCHIMP,
        lambda r: [
            *(r.address, r.given, r.family, "3", r.joined, "192.0.2.1", r.joined, "192.0.2.1", "37.5", "127.0"),
            *("9", "9", "Asia/Seoul", "KR", "11", r.joined, "12345678", "0123456789", ""),
            ",".join(f'"{tag}"' for tag in r.tags),
        ],
    ),
    "substack": (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at",
        lambda r: [
            r.address,
            "false",
            "",
            "free",
            str(r.has_left).lower(),
            r.joined.replace(" ", "T") + ".000Z",
            "",
        ],
    ),
    "ghost": (
        GHOST,
        lambda r: [
            *("65f0c0ffee0123456789abcd", r.address, r.family + r.given, "", str(not r.has_left).lower(), "false", ""),
            *(r.joined.replace(" ", "T") + ".000Z", "", ",".join(r.tags), ""),
        ],
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at",
        lambda r: [
            *("3f3c0c1e-0000-4000-8000-000000000000", r.address, r.family + r.given),
            json.dumps({"city": "서울", "tags": r.tags}, ensure_ascii=False),
            "blocklisted" if r.has_left else "enabled",
            *[f"{r.joined}.123456 +0000 UTC"] * 2,
        ],
    ),
    "stibee": (
        "이메일 주소,이름,구독 상태,추가 경로,그룹,광고성 정보 수신 동의,구독일,마지막 업데이트일",
        lambda r: [
            *(r.address, r.family + r.given, "수신거부" if r.has_left else "구독 중", "구독 폼", ", ".join(r.tags)),
            *("동의", r.joined, r.joined),
        ],
    ),
}


def write_list(folder: Path, shape: str, rows: int) -> Path:
    """The list as that system exports it."""
    header, cells = SHAPES[shape]
    dice = random.Random(2)
    path = folder / f"{'subscribed_' if shape == 'mailchimp' else ''}{shape}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(cells(Reader(number, dice)) for number in range(rows))
    if shape != "mailchimp":
        return path
    archive = folder / "audience_export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.write(path, path.name)
    return archive


class OtherWriter(threading.Thread):
    """Asks for the write lock again and again, and remembers the longest wait."""

    def __init__(self, database: Path) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._database = database
        self._ended = threading.Event()

    def run(self) -> None:
        connection = sqlite3.connect(self._database, isolation_level=None, timeout=600)
        while not self._ended.wait(ASKING_SECONDS):
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            self.longest = max(self.longest, time.perf_counter() - began)
        connection.close()

    def stop(self) -> float:
        """Seconds of the longest wait."""
        self._ended.set()
        self.join()
        return self.longest


def digest(*arguments: str | Path) -> list[str | Path]:
    """The command of this interpreter."""
    return [sys.executable, "-m", "digest", *arguments]


def workspaces(folder: Path) -> Iterator[Path]:
    """New workspaces, each with a newsletter and nobody in it."""
    number = 0
    while True:
        number += 1
        site = folder / f"site{number}"
        subprocess.run(digest("init", site), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(digest("subscribers", "stats"), cwd=site, check=True, stdout=subprocess.DEVNULL)
        yield site


def import_once(site: Path, file: Path) -> tuple[float, float, float]:
    """Seconds, megabytes at the peak, and seconds of the longest wait for the write lock."""
    other = OtherWriter(site / "digest.db")
    other.start()
    cost = measure(*digest("subscribers", "import", file), cwd=site)
    return cost.wall, cost.peak / 1e6, other.stop()


def main() -> None:
    """Import and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shape", choices=SHAPES, nargs="+", default=list(SHAPES))
    options = parser.parse_args()
    seconds, megabytes, waits = Rounds(), Rounds(), Rounds()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sites = workspaces(folder)
        lists = {shape: write_list(folder, shape, options.rows) for shape in options.shape}
        for _ in range(options.rounds):
            for shape, file in lists.items():
                site = next(sites)
                for label in (f"{shape}, into an empty workspace", f"{shape}, the same list again"):
                    wall, peak, wait = import_once(site, file)
                    seconds.add(label, wall)
                    megabytes.add(label, peak)
                    waits.add(label, wait)
                for left in site.glob("digest.db*"):
                    left.unlink()
    seconds.print(f"{options.rows:,} rows, s")
    megabytes.print("memory at the peak, MB")
    waits.print("longest wait of another writer, s")
    print()
    for shape in options.shape:
        label = f"{shape}, into an empty workspace"
        verdict(f"{label}: s", seconds.median(label), most=60)
        verdict(f"{label}: MB", megabytes.median(label), most=200)


if __name__ == "__main__":
    main()
