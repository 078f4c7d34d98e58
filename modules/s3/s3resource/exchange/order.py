"""The order in which records are written: what others refer to goes first, and circles are broken where a key may be missing."""
from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

__all__ = ("sort_by_need",)

Node = TypeVar("Node", bound=Hashable)


def sort_by_need(needs: Mapping[Node, Iterable[tuple[Node, bool]]]) -> tuple[list[Node], list[Node]]:
    """Sort nodes so that what they need stands before them.

    Args:
        needs: {node: (other node, whether it is indispensable)}; the order is kept where nothing speaks against it

    Returns:
        the nodes in order, and those that cannot be placed, because they need one another. A node may stand before another
        one that it needs if that is not indispensable.
    """
    missing = {node: {other for other, _ in others if other is not node and other in needs} for node, others in needs.items()}
    vital = {node: {other for other, is_vital in others if is_vital and other in needs} for node, others in needs.items()}
    needed_by: dict[Node, list[Node]] = {}
    for node, others in missing.items():
        for other in others:
            needed_by.setdefault(other, []).append(node)
    ready = deque(node for node, others in missing.items() if not others and not vital[node])
    # what could stand here although it lacks something
    usable = deque(node for node in needs if not vital[node])
    order: dict[Node, None] = {}
    while ready or usable:
        node = ready.popleft() if ready else usable.popleft()
        if node in order:
            continue
        order[node] = None
        for other in needed_by.get(node, ()):
            missing[other].discard(node)
            was_vital = node in vital[other]
            vital[other].discard(node)
            if other in order or vital[other]:
                continue
            if not missing[other]:
                ready.append(other)
            elif was_vital:
                usable.append(other)
    return list(order), [node for node in needs if node not in order]
