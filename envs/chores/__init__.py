"""Chores: what a robot is asked to do, one file each."""
