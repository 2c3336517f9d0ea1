"""The motion `.npz` of BeyondMimic (whole_body_tracking): mjlab's layout, joints and bodies in Isaac Lab's order.

Speeds of bodies are those of the links' origins, as positions are; Isaac Lab's recorder gives the speeds of the links'
centres of mass.
"""

from __future__ import annotations

from retarget.exports.base import Export
from retarget.exports.mjlab import SAYS, USUAL_HZ, write_bodies
from retarget.joint_orders import ISAAC

EXPORT = Export("beyond_mimic", ".npz", write_bodies, "wxyz", rate_hz=USUAL_HZ, order=ISAAC, says=SAYS)
