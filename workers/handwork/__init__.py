"""What a person's hands do in a scene: scripts, one file per chore, and the engine they are written with."""
