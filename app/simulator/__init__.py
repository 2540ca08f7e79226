"""A ServiceDesk Plus to try things on: a real server that behaves as the two editions do, faults included."""
