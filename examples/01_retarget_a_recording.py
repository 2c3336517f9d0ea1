"""A recording onto a robot, in Python: record (or read) a person, retarget, look at the card, write the motion."""

from pathlib import Path

from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.smooth import SmoothSettings
from robots import load_robot
from workers import record

# A simulated worker, as a camera saw them. For a file of your own:
# `human = retarget.sources.base.read_recording(Path("clip.bvh")).motion`
human = record("stir", worker_seed=7).observed

done = retarget_motion(human, load_robot("g1_dex3"), RetargetSettings(smooth=SmoothSettings(cutoff_hz=4.0)))

print(f"{done.motion.joint_position_rad.shape[0]} frames, {done.motion.solved.mean():.0%} solved, verdict: {done.card.verdict}")
for reason in done.card.reasons:
    print(f"- {reason}")
done.motion.save(Path("stir.npz"))
