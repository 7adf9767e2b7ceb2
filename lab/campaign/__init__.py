"""Campaigns: scenarios by parameters by repetitions, on one machine or several, and resumable.

::

    campaigns/backup/
        campaign.json    the plan, the order of its points, what it was begun with
        journal.jsonl    one line an attempt, on the disk before the next begins
        runs/            one directory an attempt: a store
        incoming/        runs on their way here

``journal.jsonl`` says what is finished. Dask is imported by :mod:`lab.campaign.cluster` alone.
"""
