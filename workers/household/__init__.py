"""Workers at a counter: a body does a handling, and a phone, trackers and force sensors record it."""
