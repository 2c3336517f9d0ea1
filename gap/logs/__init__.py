"""Logs of real robots, whoever wrote them; one file per format."""

from gap.logs.base import LogFormat, LogOptions, log_formats, read_logs
from gap.logs.log import RobotLog

__all__ = ["LogFormat", "LogOptions", "RobotLog", "log_formats", "read_logs"]
