"""The console: pages for operators, server-rendered. As the worker's role, one tenant at a time; never published."""
