"""Acting by chunks, in simulation and on robots: hand-over between chunks, latency, exported policies. No PyTorch in here."""

from policies.deploy.chunk_actor import ChunkActor
from policies.deploy.exported import ExportedPolicy, load_exported
from policies.deploy.handover import Handover
from policies.deploy.lines import LinesRobot
from policies.deploy.player import Player, RobotSide
from policies.deploy.predictor import Predictor
from policies.deploy.real_time import RealTimeActor

__all__ = ["ChunkActor", "ExportedPolicy", "Handover", "LinesRobot", "Player", "Predictor", "RealTimeActor", "RobotSide", "load_exported"]
