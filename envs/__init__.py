"""Simulated robots doing chores. MuJoCo lives here only."""

import gymnasium

gymnasium.register(
    "understudy/Follow-v0",
    entry_point="envs.chore_env:follow_env",
    vector_entry_point="envs.chore_env:follow_vector_env",
)
