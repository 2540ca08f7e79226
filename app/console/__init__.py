"""The console: server-rendered pages for operators, never published to the internet.

It uses the worker's database role and reads one tenant after another.
"""
