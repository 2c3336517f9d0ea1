"""What pages in the browser share: a server, a clock with its controls, and a robot's meshes."""
