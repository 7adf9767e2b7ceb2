"""The hops of a wire: pairs of interfaces between which something happens to packets.

One file a kind. A wire (:mod:`lab.cable`) puts them in a row, with a bridge between each two.
"""

from lab.hop.kind import Changeable, Course, Directions, Hop

__all__ = ["Changeable", "Course", "Directions", "Hop"]
