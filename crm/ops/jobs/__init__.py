"""What works in the background: the worker, the scheduler, and what they put away every hour."""

from crm.ops.jobs import tidying
from crm.ops.jobs.scheduler import Scheduler, run_scheduler
from crm.ops.jobs.worker import Worker, limit_memory, run_worker, work_once

__all__ = ["Scheduler", "Worker", "limit_memory", "run_scheduler", "run_worker", "tidying", "work_once"]
