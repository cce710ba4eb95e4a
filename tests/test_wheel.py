"""The wheel carries all that the program needs: installed elsewhere, it runs the demo from there."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
NEEDED = {
    *(f"digest/templates/weekly/{name}" for name in ("digest.html", "digest.txt", "style.css", "enhance.css")),
    *(f"digest/locales/{locale}/LC_MESSAGES/digest.po" for locale in ("en", "ko")),
    *(f"digest/demo_data/{name}" for name in ("articles.json", "subscribers.json", "images/harbour-dawn.jpg")),
    *(f"digest/templates/{theme}/digest.html" for theme in ("compact", "sections")),
    *(f"digest/templates/shared/{name}" for name in ("page.html", "page.txt", "style.css", "enhance.css")),
    *(f"digest/web/preview/static/{name}" for name in ("page.html", "page.css", "preview.js", "words.json")),
    *(f"digest/check/{name}" for name in ("support.json", "support.LICENSE")),
    "digest/digest.toml.template",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT]
    run(*command)
    (file,) = folder.glob("*.whl")
    return file


def run(*command, **options):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, encoding="utf-8", check=False, timeout=170, **options
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


def test_the_wheel_carries_templates_catalogues_and_the_demo(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert names >= NEEDED
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
    assert wheel.name.startswith("digest_newsletter-")


@pytest.mark.slow
def test_installed_into_an_empty_environment_it_runs_the_demo_from_there(wheel, tmp_path):
    environment, elsewhere = tmp_path / "venv", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "venv", environment)
    install = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*install, "--constraint", CHECKOUT / "constraints.txt", wheel)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    answer = run(environment / "bin" / "digest", "demo", cwd=elsewhere, env=clean)
    assert "Checked   every message is sound" in answer.stdout
    assert len(list((elsewhere / "digest-demo" / "outbox" / "new").iterdir())) == 10
    place = run(environment / "bin" / "python", "-c", "import digest; print(digest.__file__)", cwd=elsewhere, env=clean)
    assert place.stdout.startswith(str(environment))
