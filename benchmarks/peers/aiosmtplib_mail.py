"""aiosmtplib over several connections: python aiosmtplib_mail.py HOST PORT CONNECTIONS COUNT PARTS.

Its messages are made beforehand: it has no part in that.
"""

import asyncio
import json
import sys
from pathlib import Path

from aiosmtplib import SMTP

host, port, connections, count, file = sys.argv[1:]
parts = json.loads(Path(file).read_text(encoding="utf-8"))
content = parts["message"].encode()
numbers = iter(range(int(count)))


async def work():
    async with SMTP(hostname=host, port=int(port), use_tls=False, start_tls=False) as client:
        for number in numbers:
            await client.sendmail(
                "news@hanbit-news.example", [f"reader{number}@mail{number % 500}.example.com"], content
            )


async def main():
    await asyncio.gather(*(work() for _ in range(min(int(connections), int(count)))))


asyncio.run(main())
