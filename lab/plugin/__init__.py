"""The lab inside pytest: ``pytest_plugins = ["lab.plugin"]`` in a conftest.py brings all of it.

Markers: ``topology(name)``, ``flow(sender=…)``, ``violates(…)``, ``timing``. Fixtures: ``net``,
``client``, ``server``, ``capture``, ``flow``, ``result``, ``family``, ``timeline``, ``parameter``.
Options: ``--results``, ``--keep``, ``--seed``, ``--parameter``, ``--override``, ``--verify``,
``--backend``, ``--no-measure``, ``--stack``, ``--topology``,
``--summary``, ``--github``.
"""

pytest_plugins = ["lab.plugin.entering"]
