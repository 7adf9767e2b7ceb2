"""Whether a program may load a plug-in: libioth's table (ioth_set_license, ioth(3))."""

from __future__ import annotations

PREFIX = "SPDX-License-Identifier: "

_ANY_GPL = {"gpl-2.0-only", "gpl-3.0-only", "gpl-2.0-or-later", "gpl-3.0-or-later"}

ALLOWED = {
    "gpl-2.0-or-later": _ANY_GPL,
    "gpl-3.0-or-later": {"gpl-3.0-only", "gpl-3.0-or-later"},
    "gpl-2.0-only or gpl-3.0-only": _ANY_GPL,
}
"""By the plug-in's licence, those of programs, besides the very same one."""


def fits(program: str | None, plugin: str) -> bool:
    """Whether the licences allow it; in doubt they do not. ``plugin`` is empty if it has none."""
    theirs = _bare(plugin)
    if not theirs or theirs.startswith("lgpl-"):
        return True
    if program is None:
        return False
    ours = _bare(program)
    return ours == theirs or ours in ALLOWED.get(theirs, ())


def _bare(licence: str) -> str:
    return licence.removeprefix(PREFIX).strip().lower()
