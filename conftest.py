"""Makes the lab's markers, fixtures and sandbox available to every test below."""

pytest_plugins = ["lab.plugin"]
