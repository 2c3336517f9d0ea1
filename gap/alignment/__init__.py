"""An attempt beside the person's ideal: which moment belongs to which, and how far apart the two are there."""

from gap.alignment.compare import Comparison, Scales, compare
from gap.alignment.tracks import Tracks, tracks_of_attempt, tracks_of_score
from gap.alignment.warping import Warp, warp

__all__ = ["Comparison", "Scales", "Tracks", "Warp", "compare", "tracks_of_attempt", "tracks_of_score", "warp"]
