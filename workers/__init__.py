"""Simulated workers: they film chores when no recording is at hand, and the truth is kept beside."""

from workers.paths import CHORES
from workers.record import VIEWS, Recording, Worker, draw_worker, record, record_many

__all__ = ["CHORES", "VIEWS", "Recording", "Worker", "draw_worker", "record", "record_many"]
