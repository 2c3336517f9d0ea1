"""How far an actor gets, and what another plant takes away: episode rows, scorecard, report."""

from gap.episode import EpisodeResult, episode_result, episode_results, episodes_provenance, read_episodes, write_episodes
from gap.errors import ScoreError
from gap.report import Picture, Video, write_report
from gap.scorecard import Cell, Difference, Scorecard, score
from gap.statistics import Interval
from gap.tables import Table, scorecard_tables, scorecard_text

__all__ = [
    "Cell",
    "Difference",
    "EpisodeResult",
    "Interval",
    "Picture",
    "ScoreError",
    "Scorecard",
    "Table",
    "Video",
    "episode_result",
    "episode_results",
    "episodes_provenance",
    "read_episodes",
    "score",
    "scorecard_tables",
    "scorecard_text",
    "write_episodes",
    "write_report",
]
