"""Where a camera was, one file per format."""
