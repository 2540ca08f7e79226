def add_routes(app, portals):
    pass
