"""Whether a sentence turns a record round (`find`)."""
