"""Reduces a collected caniemail table to digest/check/support.json: `python docs/reduce_support.py TABLE.json`."""  # noqa: INP001 - a folder of pages, not a package

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "digest" / "check" / "support.json"
VERDICTS = ("forbid", "avoid")
"""The verdicts that rules ask for; all else may be used."""
KINDS = {
    "prop": "property",
    "func": "function",
    "unit": "unit",
    "at": "at-rule",
    "pseudo": "selector",
    "el": "element",
    "attr": "attribute",
    "ext": "extension",
}
"""How the table says where a feature shows itself, and how `digest.check.support` does."""
KEYWORDS = {"css-unit-initial": ["initial"]}
"""Features that are words which any property may take."""
MORE_NAMES = {
    "css-animation": ["animation-*"],
    "css-transition": ["transition-*"],
    "css-transform": ["transform-*"],
    "css-flex-direction": ["flex-*"],
    "css-grid-template": ["grid-*"],
    "css-scroll-snap": ["scroll-snap-*"],
    "css-mask-image": ["mask-*"],
    "css-variables": ["--*"],
    "css-intrinsic-size": ["min-width", "max-width", "height", "min-height", "max-height"],
}
"""Properties of the same kind that the table leaves out; `*` stands for any ending."""
LABELS = {
    "gmail/desktop-webmail": "Gmail",
    "gmail/mobile-webmail": "Gmail mobile web",
    "gmail/ios": "Gmail iOS",
    "gmail/android": "Gmail Android",
    "outlook/windows": "Outlook classic (Word)",
    "outlook/outlook-com": "Outlook.com and new Outlook",
    "outlook/macos": "Outlook macOS",
    "outlook/ios": "Outlook iOS",
    "outlook/android": "Outlook Android",
    "apple-mail/macos": "Apple Mail macOS",
    "apple-mail/ios": "Apple Mail iOS",
    "yahoo/desktop-webmail": "Yahoo Mail",
    "yahoo/ios": "Yahoo Mail iOS",
    "yahoo/android": "Yahoo Mail Android",
    "samsung-email/android": "Samsung Email",
}


def reduce_table(table: dict[str, Any]) -> dict[str, Any]:
    """What the rules need of a table: features with a verdict against them, and who lacks them."""
    clients = table["clients"]
    features = {
        slug: reduce_feature(slug, feature, clients)
        for slug, feature in table["features"].items()
        if feature["verdict"] in VERDICTS and (feature["detect"] or slug in KEYWORDS)
    }
    return {"source": table["source"], "clients": [LABELS[client] for client in clients], "features": features}


def reduce_feature(slug: str, feature: dict[str, Any], clients: list[str]) -> dict[str, Any]:
    """One feature: its title, verdict and kind, the names it shows itself by, and the clients that lack it."""
    detect, more = dict(feature["detect"]), MORE_NAMES.get(slug, [])
    missing = [number for number, client in enumerate(clients) if feature["status"][client].startswith("n")]
    facts: dict[str, Any] = {"title": feature["title"], "verdict": feature["verdict"], "missing": missing}
    if slug in KEYWORDS:
        return facts | {"kind": "keyword", "names": KEYWORDS[slug]}
    if "value" in detect:
        return facts | {"kind": "value", "properties": detect["prop"] + more, "names": detect["value"]}
    [(kind, names)] = detect.items()
    listed = [names] if isinstance(names, str) else names
    # A function's further names are properties: `--x` declares what `var(--x)` reads.
    is_function = kind == "func"
    rest = {"properties": more} if is_function else {}
    return facts | {"kind": KINDS[kind], "names": listed if is_function else listed + more} | rest


def main() -> None:
    """Write the file, a feature a line, so that a change of the table can be read."""
    reduced = reduce_table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    features = reduced.pop("features")
    head = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in reduced.items())
    lines = ",\n".join(f"{json.dumps(slug)}: {json.dumps(feature)}" for slug, feature in features.items())
    TARGET.write_text(f'{{\n{head},\n"features": {{\n{lines}\n}}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
