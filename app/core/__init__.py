"""The rules, pure: values in, values out; no loop, no clock, no network."""
