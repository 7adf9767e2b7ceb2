"""The lab inside pytest: ``pytest_plugins = ["lab.plugin"]`` in a conftest.py brings all of it.

Markers: ``topology(name)``, ``flow(sender=…)``, ``violates(…)``, ``timing``. Fixtures: ``net``,
``client``, ``server``, ``capture``, ``flow``, ``result``, ``family``, ``timeline``. Options:
``--results``, ``--keep``, ``--seed``, ``--verify``, ``--backend``, ``--no-measure``, ``--stack``,
``--summary``, ``--github``.
"""

pytest_plugins = ["lab.plugin.entering"]
