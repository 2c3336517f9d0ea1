"""Suites: what a policy does on chores, objects, layouts and plants that it has not seen, from a frozen list of episodes."""
