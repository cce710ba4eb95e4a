"""Print the figures that the docs quote: medians of interleaved rounds on this machine.

    python benchmarks/figures.py [--rounds 5] [--subscribers 100000]

Everything is made by the script itself in a temporary folder; messages go to a Maildir. The import of real news needs
the folder of test data (DIGEST_TEST_DATA) and is left out, with a word, where that is absent.
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

NEWS = ("naver_articles.csv.gz", "naver_views.csv.gz")


def run(*command: str, cwd: Path) -> None:
    """Run a command; its failure ends the benchmark."""
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def digest(*arguments: str, cwd: Path) -> None:
    """Run the digest command of this interpreter."""
    run(sys.executable, "-m", "digest", *arguments, cwd=cwd)


def wall_seconds(work: Callable[[], None]) -> float:
    """Seconds by the clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_seconds(work: Callable[[], None]) -> float:
    """Seconds of CPU in child processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_data() -> Path | None:
    """The folder of real news, where there is one."""
    named = os.environ.get("DIGEST_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if all((folder / name).is_file() for name in NEWS) else None


def help_overhead(folder: Path) -> float:
    """CPU of `digest --help` over that of an empty program."""
    empty = cpu_seconds(lambda: run(sys.executable, "-c", "pass", cwd=folder))
    return cpu_seconds(lambda: digest("--help", cwd=folder)) - empty


def make_workspace(folder: Path) -> None:
    """A fresh workspace in Seoul."""
    digest("init", str(folder), "--timezone", "Asia/Seoul", "--locale", "ko", cwd=folder.parent)


def import_news(folder: Path, data: Path) -> float:
    """Both files of real news into a fresh workspace."""
    make_workspace(folder)
    articles, views = (str(data / name) for name in NEWS)
    return wall_seconds(lambda: digest("articles", "import", articles, cwd=folder)) + wall_seconds(
        lambda: digest("views", "import", views, cwd=folder)
    )


def import_subscribers(folder: Path, count: int) -> float:
    """A file of invented subscribers into a fresh workspace."""
    make_workspace(folder)
    file = folder / "members.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("email", "name", "locale"))
        writer.writerows((f"reader{n}@mail{n % 500}.example.com", f"독자 {n}", "ko") for n in range(count))
    return wall_seconds(lambda: digest("subscribers", "import", str(file), cwd=folder))


def send(folder: Path, count: int) -> float:
    """Messages a second from an invented issue to a Maildir, ledger and all."""
    digest("demo", str(folder), cwd=folder.parent)
    file = folder / "many.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("email",))
        writer.writerows((f"reader{n}@mail{n % 50}.example.com",) for n in range(count))
    settings = folder / "digest.toml"
    again = settings.read_text(encoding="utf-8").replace('slug = "weekly"', 'slug = "again"')
    settings.write_text(again, encoding="utf-8")
    digest("subscribers", "import", str(file), cwd=folder)
    today = datetime.now(ZoneInfo("Asia/Seoul")).date()
    edition = str(today - timedelta(days=today.weekday()))
    return count / wall_seconds(lambda: digest("send", "--date", edition, "--yes", cwd=folder))


def main() -> None:
    """Measure in rounds, one of each kind after the other, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--subscribers", type=int, default=100_000)
    options = parser.parse_args()
    data = test_data()
    figures: dict[str, list[float]] = {}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            measure(figures, folder, data, options.subscribers)
        print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    print(f"{'figure':<48} {'median':>10} {'least':>10} {'most':>10}")
    for label, values in figures.items():
        print(f"{label:<48} {statistics.median(values):>10.3f} {min(values):>10.3f} {max(values):>10.3f}")
    if data is None:
        print("import of real news: left out, DIGEST_TEST_DATA names no folder with it")


def measure(figures: dict[str, list[float]], folder: Path, data: Path | None, subscribers: int) -> None:
    """One round."""

    def add(label: str, value: float) -> None:
        figures.setdefault(label, []).append(value)

    add("digest --help, CPU s over an empty program", help_overhead(folder))
    add("digest demo, s", wall_seconds(lambda: digest("demo", str(folder / "demo"), cwd=folder)))
    add("digest demo again, s", wall_seconds(lambda: digest("demo", str(folder / "demo"), cwd=folder)))
    if data is not None:
        add("import of 40,055 articles and 43,735 counts, s", import_news(folder / "news", data))
    add(f"import of {subscribers:,} subscribers, s", import_subscribers(folder / "members", subscribers))
    add("messages/s to a Maildir, 2,000 subscribers", send(folder / "many", 2000))


if __name__ == "__main__":
    main()
