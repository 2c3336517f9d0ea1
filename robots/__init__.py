"""Facts about robots, one folder each, and the kinematics that follow from them."""

from robots.robot import FramePoint, Mimic, Robot, Sole
from robots.yaml_loader import catalogue, load_robot

__all__ = ["FramePoint", "Mimic", "Robot", "Sole", "catalogue", "load_robot"]
