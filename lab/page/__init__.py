"""Pages about runs and campaigns: one HTML file each, which needs nothing else.

::

    command            mptcp-lab report
    ├── run            a run's page, part by part: who, lanes, data, ladder, links, checks, records
    ├── campaign       a campaign's page
    ├── drawing        matplotlib's SVG, with the page's colours
    ├── html           Jinja2: everything from outside is escaped, and made visible
    └── evidence       captures of a run, and which subflow of one is which of another

A part that cannot be made says why in its place. No page contains a script.
"""
