"""One module for each outside system. Each translates its words, units and errors into ours."""
