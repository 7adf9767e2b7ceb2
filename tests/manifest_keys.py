"""The keys of a manifest, and those that docs/results.md explains."""

import re
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "docs" / "results.md"


def text_of(heading):
    """The text below a heading of the page."""
    text = RESULTS.read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {heading}\n")[2], flags=re.MULTILINE)[0]


def documented():
    """The patterns in the first column of the manifest's table; an upper word is any key."""
    rows = re.findall(r"^\| (`.*?) \|", text_of("The manifest"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def leaves(manifest, above=()):
    """The paths of all values that are no mappings; an empty mapping has none."""
    for key, value in manifest.items():
        path = (*above, key)
        if isinstance(value, dict):
            yield from leaves(value, path)
        else:
            yield path


def pattern_of(path, patterns):
    """The pattern that explains a path; None if there is none."""
    for pattern in patterns:
        words = pattern.split(".")
        if len(words) == len(path) and all(
            word in (key, key.upper()) or word.isupper()
            for word, key in zip(words, path, strict=True)
        ):
            return pattern
    return None


def unexplained(manifest):
    """What of a manifest the page does not explain."""
    patterns = sorted(documented(), key=lambda each: sum(map(str.isupper, each)))
    return {".".join(path) for path in leaves(manifest) if pattern_of(path, patterns) is None}
