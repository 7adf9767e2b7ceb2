"""What the parts of a topology have in common as they are read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Keys(BaseModel):
    """A frozen mapping that knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
