"""What came from outside, as text that can be seen: no control characters, no change of direction.

A name may hold any character. Escaping is Jinja's; what is left are characters that HTML cannot
hold (NUL), that move what follows (U+202E), or that are too many.
"""

from __future__ import annotations

import unicodedata

LONGEST = 20_000
"""Characters of a text that a page shows; the run has the rest."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of Unicode that show nothing, or not by themselves."""


def shown(value: object, longest: int = LONGEST) -> str:
    """The text of a value with nothing hidden in it, and what is too long cut, which is said."""
    text = str(value)
    left = len(text) - longest
    kept = text[:longest] if left > 0 else text
    visible = kept if kept.isascii() and kept.isprintable() else "".join(map(_visible, kept))
    return f"{visible}… ({left} more characters)" if left > 0 else visible


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
