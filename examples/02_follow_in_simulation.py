"""A motion in simulation, in Python: the expert and plain replay follow it in two plants, and are scored."""

from envs.chores.follow import Follow
from envs.replay import make_actor
from envs.rollout import all_episodes, rollout
from gap import episode_results, episodes_provenance, score, scorecard_text
from retarget.pipeline import retarget_motion
from robots import load_robot
from workers import record

robot = load_robot("g1_dex3")
motions = {chore: retarget_motion(record(chore, worker_seed=3).truth, robot).motion for chore in ("wipe", "fold")}

chore = Follow(robot, motions)
episodes = all_episodes(chore, ("nominal", "weak_motors"))
done = [demonstration for name in ("expert", "replay") for demonstration in rollout(chore, make_actor(name, chore), episodes)]

print(scorecard_text(score(episode_results(done, robot), episodes_provenance(done), baselines=("replay",))))
