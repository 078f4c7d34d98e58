"""The state of an instance, for a terminal."""
from __future__ import annotations

from launcher.application import application
from launcher.instance import Instance

__all__ = ("examine",)


def examine(instance: Instance) -> int:
    """Print the state of the instance and what to do about it; gives 1 when something needs a person, else 0."""
    with application(instance):
        from s3.s3notify import health

        findings = health.find()
    for line in health.describe(findings):
        print(line)
    found = health.problems(findings)
    for problem in found:
        print(f"! {problem}")
    if not found:
        print("Nothing needs you.")
    return 1 if found else 0
