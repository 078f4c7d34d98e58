"""Background tasks on the scheduler of web2py: queueing, waking and keeping the periodic ones alive.

Before: whoever wants something done later. After: the worker process (``web2py -K``), which runs the functions that
models/tasks.py publishes as ``response.s3.tasks``, each in a forked process of its own.
"""
from __future__ import annotations

from s3.s3changes import prune as prune_changes
from s3.s3task.boundary import background_task
from s3.s3task.maintenance import run_maintenance
from s3.s3task.periodic import PeriodicTask, periodic_tasks
from s3.s3task.task import S3Task

__all__ = ("PeriodicTask", "S3Task", "background_task", "periodic_tasks", "prune_changes", "run_maintenance")
