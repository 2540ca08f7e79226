"""The whole product on one machine, with real servers from Python wheels and sample tenants."""
