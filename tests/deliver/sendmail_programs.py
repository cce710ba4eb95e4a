"""Small programs in the place of sendmail, written by tests."""

import textwrap
from pathlib import Path


def program(folder: Path, script: str) -> Path:
    """A shell script named `sendmail` in this folder, which it knows as $BOX."""
    file = folder / "sendmail"
    file.write_text(f"#!/bin/sh\nBOX='{folder}'\n{textwrap.dedent(script)}", encoding="utf-8")
    file.chmod(0o755)
    return file
