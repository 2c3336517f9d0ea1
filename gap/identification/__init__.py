"""What a real robot's plant is, found from its logs."""
