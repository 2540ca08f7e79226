"""One module per system that we don't own: each translates its words, units and errors into ours."""
