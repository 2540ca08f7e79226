"""Detectors of what must be masked in a text, one module for each kind. `core.masking` decides where they overlap."""
