"""Speed and quality against bars and peers: one command each, `python -m benchmarks.NAME [--only ROW]`."""
