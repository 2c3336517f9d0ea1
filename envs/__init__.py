"""Simulated robots doing chores. MuJoCo lives here only."""

import pkgutil
from pathlib import Path

import gymnasium

gymnasium.register(
    "understudy/Follow-v0",
    entry_point="envs.chore_env:follow_env",
    vector_entry_point="envs.chore_env:follow_vector_env",
)
for _module in pkgutil.iter_modules([str(Path(__file__).parent / "chores")]):
    if _module.name not in ("base", "follow", "registry"):
        gymnasium.register(
            f"understudy/{_module.name.title().replace('_', '')}-v0",
            entry_point="envs.chore_env:household_env",
            vector_entry_point="envs.chore_env:household_vector_env",
            kwargs={"chore": _module.name},
        )
