"""Middleboxes as a topology file declares them."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from lab.middlebox.kinds import Declared
from lab.middlebox.options import MPTCP
from lab.model import box_fields as fields
from lab.model.fields import wrong
from lab.model.keys import Keys


def _optional(description: str, **more: Any) -> Any:
    """A key that may be left out, but not empty: None is no value of its type."""
    return Field(default=None, description=description, **more)


class _Kind(Keys):
    def arguments(self) -> dict[str, Any]:
        """What the kind's class in :mod:`lab.middlebox` takes, as far as it is written."""
        return {key: getattr(self, key) for key in self.model_fields_set}


class _Choosing(_Kind):
    subtype: fields.Subtype = _optional("Only this subtype of Multipath TCP's option, 30.")
    origin: fields.Origin = Field(
        default="all", alias="from", description="Only segments with SYN, or only those without."
    )
    after: fields.After = _optional("What of each flow, in this direction, passes unharmed before.")

    def arguments(self) -> dict[str, Any]:
        """As above; the amount is told by its unit."""
        written = super().arguments()
        if after := written.pop("after", None):
            amount = {"packets": after.packets, "payload": after.bytes}
            written |= {key: value for key, value in amount.items() if value}
        return written

    @model_validator(mode="after")
    def _subtype_of_mptcp(self) -> Self:
        if self.subtype and vars(self).get("option") != MPTCP:
            raise wrong(f"'subtype' is one of Multipath TCP's: it needs 'option: {MPTCP}'")
        return self


class _Any(_Choosing):
    option: fields.Option = _optional(
        "Only segments with a TCP option of this kind; MPTCP's is 30."
    )

    @model_validator(mode="after")
    def _some_choice(self) -> Self:
        if not self.model_fields_set - {"to"}:
            raise wrong("it says of no segments that they are meant: option, subtype, from, after")
        return self


class Strip(_Choosing):
    """A box that replaces TCP options by padding."""

    option: fields.Option = Field(description="Kind of the TCP option; Multipath TCP's is 30.")


class Alter(Strip):
    """A box that changes one bit of TCP options."""

    octet: fields.Octet = _optional("Octet that is changed, 0 being the kind; else the last one.")


class Sequence(_Kind):
    """A box that rewrites sequence numbers, and acknowledgments accordingly."""

    offset: fields.Offset = _optional("What is added to sequence numbers; another for each flow.")
    sack: fields.Sack = Field(
        default=True, description="What becomes of SACK blocks that come back."
    )


class Split(_Kind):
    """A box that makes several segments of one."""

    size: fields.Size = Field(alias="at", description="Most bytes of payload of a piece.")
    options: fields.Copies = Field(
        default="all", description="Which pieces have the TCP options of the whole."
    )


class Coalesce(_Kind):
    """A box that makes one segment, with the options of the first, of several in a row."""

    size: fields.Size = Field(alias="up_to", description="Most bytes of payload of the whole.")
    wait: fields.Wait = Field(description="How long a segment waits for the next one.")


class Payload(_Kind):
    """A box that replaces text in the data, as a NAT does that knows a protocol."""

    text: fields.Text = Field(alias="replace", description="Text within one segment.")
    other: fields.Text = Field(
        alias="with", description="What takes its place; sequence numbers follow another length."
    )


class Drop(_Any):
    """A box that drops segments."""


class Reset(_Any):
    """A box that answers segments with RST instead of passing them on."""

    to: fields.To = Field(default="sender", description="Who gets an RST.")


class Middlebox(Keys):
    """A box that changes what passes: one key, its kind."""

    alter: Alter = _optional("Change one bit of TCP options.")
    coalesce: Coalesce = _optional("Make one segment of several.")
    drop: Drop = _optional("Drop segments.")
    payload: Payload = _optional("Replace text in the data.")
    reset: Reset = _optional("Answer segments with RST.")
    sequence: Sequence = _optional("Rewrite sequence numbers.")
    split: Split = _optional("Make several segments of one.")
    strip: Strip = _optional("Remove TCP options.")

    @classmethod
    def kinds(cls) -> dict[str, type[_Kind]]:
        """Every kind by its name."""
        models: dict[str, Any] = {name: f.annotation for name, f in cls.model_fields.items()}
        return models

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set) != 1:
            known = ", ".join(self.kinds())
            raise wrong(f"a middlebox is one key, its kind, with what it does (known: {known})")
        return self

    def declared(self) -> Declared:
        """What the kind's class is made from."""
        (kind,) = self.model_fields_set
        return Declared(kind, getattr(self, kind).arguments())
