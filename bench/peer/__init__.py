"""The usual stack doing the same job, to compare ours with: FastAPI on Uvicorn, Celery, SQLAlchemy.

Written as the documentation of each recommends, in an environment of its own (`requirements.txt`). It does less:

    bare        load the ticket, one call of the model, one note
    same work   also a ranked search of the history, a look-up of assets, masking by regexes, a check of the answer

Neither has leases, one note for each version, limits, routing, metrics or traces.
"""
